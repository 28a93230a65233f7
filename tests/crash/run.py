"""One run: a story, some copies of the bot, and faults; what Slack's side saw is counted at the end."""

import contextlib
import json
import os
import select
import signal
import socket
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

from bot.core.model import Failure, Trouble
from bot.core.notice import Kind
from tests.crash.fuse import Act, key
from tests.crash.process import LARGEST, Birth, Message, SharedClock, live
from tests.crash.story import Outcome, owed, story, word
from tests.crash.tables import Tables

ROUNDS = 200
PATIENCE = 25.0
"""Seconds of real time without a word from any process, after which a run hangs."""


class Fault(StrEnum):
    """What goes wrong in a run."""

    KILL = "SIGKILL"
    RAISE = "raise"
    SLACK = "Slack"
    BOTH = "SIGKILL + Slack"
    FREEZE = "SIGSTOP + Slack"


ACTS = {
    Fault.KILL: Act.KILL,
    Fault.RAISE: Act.RAISE,
    Fault.SLACK: Act.NOTHING,
    Fault.BOTH: Act.KILL,
    Fault.FREEZE: Act.FREEZE,
}


@dataclass(frozen=True)
class Answer:
    """How Slack answers a post: whether a person sees it, and what the bot hears."""

    accepted: bool
    error: str = ""
    unknown: bool = False
    retry_after: float | None = None


FINE = Answer(accepted=True)
FAULTY = (
    Answer(accepted=False, error="ratelimited", retry_after=1),
    Answer(accepted=False, error="not_in_channel"),
    Answer(accepted=False, error="server_fault", unknown=True),
    Answer(accepted=True, error="server_fault", unknown=True),
    Answer(accepted=False, error="timeout", unknown=True),
    Answer(accepted=True, error="timeout", unknown=True),
)


@dataclass
class Seen:
    """What a run came to."""

    copies: int
    fault: Fault
    seed: int
    kills: int = 0
    raised: int = 0
    frozen: int = 0
    posts: int = 0
    lost: int = 0
    unmarked: int = 0
    marked: int = 0
    uncalled: int = 0
    verdicts: int = 0
    broken: list[str] = field(default_factory=list)


@dataclass
class Copy:
    """A process of the run, seen from its parent."""

    pid: int
    end: socket.socket
    busy: bool = False
    thaws_in: int = 0


class Run:
    """The parent's side: provider, Slack, clock, and midwife."""

    def __init__(self, seed: int, copies: int, fault: Fault, tables: Tables) -> None:
        self._random = Random(seed)  # noqa: S311 - reproducible on purpose
        self._tables = tables
        self._clock = SharedClock()
        self._story: list[Outcome] = story(self._random)
        self._chapter = 0
        self._over = False
        self._copies: list[Copy] = []
        self._born = 0
        self._fuses = self._random.randint(1, 2 + copies) if ACTS[fault] is not Act.NOTHING else 0
        self._faulty_answers = 0 if fault in {Fault.KILL, Fault.RAISE} else self._random.randint(1, 6)
        self._posts: list[Message] = []
        self._doubtful: set[str] = set()
        self._late: list[tuple[Copy, Message]] = []
        self.seen = Seen(copies, fault, seed)

    def play(self) -> Seen:
        """Play the story until everything owed is told, then count."""
        self._tables.clear()
        try:
            for _ in range(ROUNDS):
                self._round()
                if self.seen.broken:
                    break
                if self._over and not any(copy.thaws_in for copy in self._copies) and self._tables.all_told():
                    break
            else:
                self.seen.broken.append("never told")
        finally:
            for copy in self._copies:
                os.kill(copy.pid, signal.SIGKILL)
                self._bury(copy)
        self._count()
        return self.seen

    def _round(self) -> None:
        self._clock.pass_(self._random.uniform(10, 80))
        while len(self._copies) < self.seen.copies:
            self._copies.append(self._birth())
        for copy in self._copies:
            if copy.thaws_in:
                copy.thaws_in -= 1
                if not copy.thaws_in:
                    os.kill(copy.pid, signal.SIGCONT)
            else:
                # Now and then one is stopped as a deploy does it, and another started in its place.
                self._say(copy, {"what": "stop" if self._random.random() < 0.04 else "go"})
            copy.busy = not copy.thaws_in
        while waiting := [copy for copy in self._copies if copy.busy]:
            self._listen(waiting)

    def _listen(self, waiting: list[Copy]) -> None:
        ends = {copy.end: copy for copy in waiting}
        ready, _, _ = select.select(list(ends), [], [], 0.002 if self._late else PATIENCE)
        if not ready and not self._late:
            self.seen.broken.append("hangs")
            for copy in waiting:
                os.kill(copy.pid, signal.SIGKILL)
        if not ready and self._late:
            self._say(*self._late.pop(self._random.randrange(len(self._late))))
        for end in ready:
            copy = ends[end]
            said = b""
            with contextlib.suppress(ConnectionError):
                said = copy.end.recv(LARGEST)
            if said:
                getattr(self, "_" + json.loads(said)["what"])(copy, json.loads(said))
            else:
                self._bury(copy)
                self._copies.remove(copy)

    def _birth(self) -> Copy:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._born += 1
        act = ACTS[self.seen.fault] if self._fuses > 0 and self._random.random() < 0.8 else Act.NOTHING
        self._fuses -= act is not Act.NOTHING
        statements = self._random.random() < 0.4
        # The places of a copy's first seconds are many, and those of a poll and a delivery follow.
        most = 3 if act is Act.FREEZE else 400 if statements else 90
        birth = Birth(
            f"{self._born:04}", self._tables.url, self._random.getrandbits(32), act,
            self._random.randint(1, most), statements,
        )  # fmt: skip
        pid = os.fork()
        if pid == 0:
            for other in self._copies:
                other.end.close()
            ours.close()
            live(birth, self._clock, theirs)
        theirs.close()
        return Copy(pid, ours)

    def _bury(self, copy: Copy) -> None:
        copy.end.close()
        os.waitpid(copy.pid, 0)
        self._late = [late for late in self._late if late[0] is not copy]

    def _say(self, copy: Copy, message: Message) -> None:
        with contextlib.suppress(ConnectionError):
            copy.end.send(json.dumps(message).encode())

    def _answer(self, copy: Copy, said: Message, **about: Any) -> None:
        answer = {"what": "answer", "number": said["number"], **about}
        if self._random.random() < 0.3:
            self._late.append((copy, answer))
        else:
            self._say(copy, answer)

    # What the processes say

    def _idle(self, copy: Copy, _: Message) -> None:
        copy.busy = False

    def _broken(self, _: Copy, said: Message) -> None:
        self.seen.broken.append(said["why"])

    def _burnt(self, copy: Copy, said: Message) -> None:
        self._doubtful |= set(said["in_flight"])
        self.seen.kills += said["act"] == Act.KILL
        self.seen.raised += said["act"] == Act.RAISE
        if said["act"] == Act.FREEZE:
            self.seen.frozen += 1
            os.waitpid(copy.pid, os.WUNTRACED)  # it says so before it stops: thawed earlier, it would stay so
            copy.busy, copy.thaws_in = False, self._random.randint(1, 12)

    def _read(self, copy: Copy, said: Message) -> None:
        outcome = self._story[self._chapter]
        about = {"cause": outcome.cause} if isinstance(outcome, Failure) else {"cause": "", "sms": outcome}
        self._answer(copy, said, chapter=self._chapter, **about)

    def _judged(self, _: Copy, said: Message) -> None:
        if said["chapter"] == self._chapter:
            self._over = self._chapter + 1 == len(self._story)
            self._chapter = min(self._chapter + 1, len(self._story) - 1)

    def _post(self, copy: Copy, said: Message) -> None:
        answer = self._slack()
        who = key(said["episode"], said["notices"][0])
        self._posts.append({**said, "accepted": answer.accepted, "called_for": who in self._doubtful})
        if answer.unknown:
            self._doubtful.add(who)
        self._answer(copy, said, ts=f"1.{len(self._posts):06}", **_heard(answer))

    def _edit(self, copy: Copy, said: Message) -> None:
        self._answer(copy, said, **_heard(self._slack()))

    def _slack(self) -> Answer:
        if self._faulty_answers > 0 and self._random.random() < 0.4:
            self._faulty_answers -= 1
            return self._random.choice(FAULTY)
        return FINE

    # What a person saw

    def _count(self) -> None:
        told: dict[int, list[Message]] = {}
        for post in self._posts:
            if not post["accepted"]:
                continue
            self.seen.posts += 1
            self.seen.marked += post["repeat"]
            self.seen.unmarked += not post["repeat"] and any(known in told for known in post["notices"])
            for notice in post["notices"]:
                told.setdefault(notice, []).append(post)
        self.seen.uncalled = sum(post["repeat"] and not post["called_for"] for post in self._posts)
        words: dict[Trouble, list[tuple[str, int]]] = {trouble: [] for trouble in Trouble}
        for number, kind, level, trouble in self._tables.notices():
            messages = told.get(number, [])
            fits = [post for post in messages if _tells(post, kind, level)]
            self.seen.lost += not fits
            if trouble:
                words[Trouble(trouble)].append(word(kind, level))
        for trouble, expected in owed(self._story).items():
            missing = _missing(expected, words[trouble])
            self.seen.lost += missing
            self.seen.verdicts += len(words[trouble]) - len(expected) + missing


def _heard(answer: Answer) -> Message:
    return {"error": answer.error, "unknown": answer.unknown, "retry_after": answer.retry_after}


def _tells(post: Message, kind: str, level: int) -> bool:
    return bool(post["kind"] == kind if kind == Kind.ENDED else post["level"] >= level)


def _missing(expected: list[tuple[str, int]], found: list[tuple[str, int]]) -> int:
    """Count what is expected and does not follow in this order."""
    rest = iter(found)
    return sum(one not in rest for one in expected)
