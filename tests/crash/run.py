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

from bot.core.reading import Failure
from tests.crash.count import Press, lost_posts, unasked_reminders, verdicts, wrong_words
from tests.crash.fuse import Act, FusedDatabase, key
from tests.crash.person import Post
from tests.crash.process import Birth, live
from tests.crash.story import ACCOUNTS, Judgement, Outcome, story
from tests.crash.tables import Tables
from tests.crash.wire import LARGEST, Message, SharedClock

ROUNDS = 200
PATIENCE = 60.0
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
    reminders: int = 0
    lost: int = 0
    unmarked: int = 0
    marked: int = 0
    uncalled: int = 0
    verdicts: int = 0
    backward: int = 0
    wrong: int = 0
    unasked: int = 0
    broken: list[str] = field(default_factory=list)


@dataclass
class Copy:
    """A process of the run, seen from its parent."""

    pid: int
    end: socket.socket
    settings: str
    busy: bool = False
    thaws_in: int = 0
    well: bool = True
    superseded: bool = False
    judging: Judgement | None = None
    press: Press | None = None


class Run:
    """The parent's side: provider, Slack, clock, and midwife."""

    def __init__(self, seed: int, copies: int, fault: Fault, tables: Tables, database: FusedDatabase) -> None:
        self._random = Random(seed)  # noqa: S311 - reproducible on purpose
        self._tables = tables
        self._database = database
        self._clock = SharedClock()
        self._story: list[Outcome] = story(self._random)
        self._chapter = 0
        self._over = False
        self._copies: list[Copy] = []
        self._born = 0
        self._fuses = self._random.randint(1, 2 + copies) if ACTS[fault] is not Act.NOTHING else 0
        self._faulty_answers = 0 if fault in {Fault.KILL, Fault.RAISE} else self._random.randint(1, 6)
        self._posts: list[Post] = []
        self._judgements: list[Judgement] = []
        self._leader: Copy | None = None
        self._presses: list[Press] = []
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
        self._clock.pass_(self._random.uniform(11, 80))
        while len(self._copies) < self.seen.copies:
            self._copies.append(self._birth())
        for copy in self._copies:
            if copy.thaws_in:
                copy.thaws_in -= 1
                if not copy.thaws_in:
                    os.kill(copy.pid, signal.SIGCONT)
            else:
                # Now and then one is stopped as a deploy does it, and another started in its place.
                self._say(copy, {"what": "stop"} if self._random.random() < 0.04 else self._go())
            copy.busy = not copy.thaws_in
        while waiting := [copy for copy in self._copies if copy.busy]:
            self._listen(waiting)

    def _go(self) -> Message:
        """Let a copy work; now and then a person decides something there."""
        if self._random.random() > 0.15:
            return {"what": "go"}
        wish = {"lasts": self._random.choice([0, 30, 100, 250]), "snoozed": self._random.random() < 0.6}
        return {"what": "go", "press": wish}

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
            f"{self._born:04}", self._random.choice(list(ACCOUNTS)), self._random.getrandbits(32), act,
            self._random.randint(1, most), statements,
        )  # fmt: skip
        pid = os.fork()
        if pid == 0:
            for other in self._copies:
                other.end.close()
            ours.close()
            live(birth, self._database, self._clock, theirs)
        theirs.close()
        return Copy(pid, ours, birth.settings)

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
        copy.well = False
        self._doubtful |= set(said["in_flight"])
        self.seen.kills += said["act"] == Act.KILL
        self.seen.raised += said["act"] == Act.RAISE
        if said["act"] == Act.FREEZE:
            self.seen.frozen += 1
            os.waitpid(copy.pid, os.WUNTRACED)  # it says so before it stops: thawed earlier, it would stay so
            copy.busy, copy.thaws_in = False, self._random.randint(1, 12)

    def _unwell(self, copy: Copy, _: Message) -> None:
        copy.well = False

    def _read(self, copy: Copy, said: Message) -> None:
        outcome = self._story[self._chapter]
        about = {"cause": outcome.cause} if isinstance(outcome, Failure) else {"cause": "", "sms": outcome}
        self._answer(copy, said, chapter=self._chapter, **about)

    def _judging(self, copy: Copy, said: Message) -> None:
        copy.judging = Judgement(self._story[said["chapter"]], copy.settings, said["chapter"])
        self._judgements.append(copy.judging)

    def _dropped(self, copy: Copy, _: Message) -> None:
        self._judgements = [one for one in self._judgements if one is not copy.judging]

    def _judged(self, copy: Copy, _: Message) -> None:
        assert copy.judging
        copy.judging.certain = True
        self._count_leader(copy)
        if copy.judging.chapter == self._chapter:
            self._over = self._chapter + 1 == len(self._story)
            self._chapter = min(self._chapter + 1, len(self._story) - 1)

    def _count_leader(self, copy: Copy) -> None:
        """A copy that another has followed must not judge again, unless one of them was not well."""
        leader, self._leader = self._leader, copy
        if leader is None or leader is copy:
            return
        leader.superseded = True
        self.seen.backward += copy.superseded and copy.well and leader.well and leader in self._copies

    def _pressing(self, copy: Copy, said: Message) -> None:
        copy.press = Press(said["episode"], said["at"], said["until"])
        self._presses.append(copy.press)

    def _pressed(self, copy: Copy, said: Message) -> None:
        assert copy.press
        copy.press.answered_at, copy.press.until = said["at"], said["until"]

    def _post(self, copy: Copy, said: Message) -> None:
        answer = self._slack()
        who = key(said["payload"]["metadata"]["event_payload"]["episode"], said["notices"][0])
        self._posts.append(Post(said, answer.accepted, who in self._doubtful))
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
        seen, notices = self.seen, self._tables.notices()
        read = [post for post in self._posts if post.accepted]
        told: set[int] = set()
        for post in read:
            seen.posts += 1
            seen.reminders += post.is_reminder
            seen.marked += post.marked
            seen.unmarked += not post.marked and not told.isdisjoint(post.notices)
            told |= set(post.notices)
        seen.uncalled = sum(post.marked and not post.doubtful for post in self._posts)
        missing, surplus = verdicts(self._judgements, notices)
        seen.lost = missing + lost_posts(read, notices)
        seen.verdicts += surplus
        seen.wrong = wrong_words(read, notices)
        seen.unasked = unasked_reminders(read, notices, self._presses)


def _heard(answer: Answer) -> Message:
    return {"error": answer.error, "unknown": answer.unknown, "retry_after": answer.retry_after}
