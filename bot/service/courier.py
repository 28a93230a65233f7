"""Words owed are told: claimed, sent, then marked as sent."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.form import Embellishment
from bot.core.notice import LONGEST_WAIT, Kind, Owed
from bot.core.pace import APART, Turn, Way, plan
from bot.core.posted import Posted
from bot.ports import Clock, EmbellishmentRefused, NotBuilt, NotDelivered, NotLeading, Outbox, StoreAway
from bot.service.sender import SLOWEST_RETRY, Sender, retry_in

LONGEST_ROUND = timedelta(seconds=30)
"""After so long with something on its way nothing is begun until all has come to an end, for the lease."""

EDITS_A_MINUTE = 30
"""In all channels; Slack allows about 50 (docs.slack.dev, "chat.update")."""

A_MINUTE = timedelta(minutes=1)


class Delivered(StrEnum):
    """What became of one post or edit."""

    POSTED = "posted"
    EDITED = "edited"
    NOT_OWED = "not_owed"
    REFUSED = "refused"
    BARER = "barer"
    UNKNOWN = "unknown"
    GONE = "gone"


@dataclass(frozen=True)
class Delivery:
    """What became of one thing that was due."""

    outcome: Delivered
    channel: str = ""
    kind: Kind | None = None
    episode: str = ""
    error: str = ""
    retry_at: datetime | None = None
    left_out: frozenset[Embellishment] = frozenset()


class Courier:
    """Delivers what is owed: to each channel one thing at a time, to all channels at once."""

    def __init__(self, outbox: Outbox, sender: Sender, clock: Clock) -> None:
        self._outbox = outbox
        self._sender = sender
        self._clock = clock
        self._posted = Posted()
        self._rounds = 0
        self._busy_since = clock.now()
        self._sending_to: set[str] = set()
        self._edited: deque[datetime] = deque(maxlen=EDITS_A_MINUTE)

    @property
    def busy(self) -> bool:
        """Whether something is on its way."""
        return self._rounds > 0

    def forget(self) -> None:
        """Forget what was posted: another process posts now, and may have ended it."""
        self._posted = Posted()

    async def deliver(self, again: Callable[[datetime], None] = lambda _: None) -> tuple[Delivery, ...]:
        """Post or edit one thing in each channel that may be sent to now; raises `StoreAway`, `NotLeading`.

        `again` is told when to deliver again: as soon as a channel may be sent to once more. Channels with
        something on its way are left to that; if that lasts for long, nothing is begun before it has ended.
        """
        now = self._clock.now()
        if self.busy and not timedelta(0) <= now - self._busy_since <= LONGEST_ROUND:
            return ()
        with self._round(now):
            faults: list[Exception] = []
            turns = [turn for turn in await self._turns(again) if turn.owed.channel not in self._sending_to]
            self._sending_to |= {turn.owed.channel for turn in turns}
            done = await asyncio.gather(*(self._take(turn, again, faults) for turn in turns))
            if faults:
                # Where nothing more can be marked as told, that is what matters.
                raise next((one for one in faults if isinstance(one, StoreAway | NotLeading)), faults[0])
            return tuple(one for one in done if one and one.outcome is not Delivered.NOT_OWED)

    @contextmanager
    def _round(self, now: datetime) -> Iterator[None]:
        if not self.busy:
            self._busy_since = now
        self._rounds += 1
        try:
            yield
        finally:
            self._rounds -= 1

    async def _turns(self, again: Callable[[datetime], None]) -> tuple[Turn, ...]:
        now = self._clock.now()
        posts, held = await self._outbox.due(now), await self._outbox.held(now)
        edits = await self._outbox.edits(now)
        now = self._clock.now()
        # An edit in the future was made before the clock was set back.
        recent = [at for at in self._edited if timedelta(0) <= now - at < A_MINUTE]
        room = EDITS_A_MINUTE - len(recent)
        if edits and not room:
            again(recent[0] + A_MINUTE)
        planned = plan(posts, edits if room else (), self._sender.pace, now, held)
        for at in planned.again_at:
            again(at)
        return (*planned.of(Way.POST), *planned.of(Way.EDIT)[:room])

    async def _take(
        self, turn: Turn, again: Callable[[datetime], None], faults: list[Exception]
    ) -> Delivery | None:
        """Take one turn; what cannot even be built keeps none of the others waiting."""
        try:
            delivery = await (self._post if turn.way is Way.POST else self._edit)(turn.owed)
        except Exception as fault:  # noqa: BLE001 - raised by the caller, after the others
            faults.append(fault)
            return None
        finally:
            self._sending_to.discard(turn.owed.channel)
        now = self._clock.now()
        again(max(self._sender.pace.free_at(turn.way, turn.owed.channel, now), now + APART))
        if delivery.retry_at:
            again(delivery.retry_at)
        return delivery

    async def _post(self, owed: Owed) -> Delivery:
        claimed_at = self._clock.now()
        due = await self._outbox.claim(owed, claimed_at)
        if due is None:
            return Delivery(Delivered.NOT_OWED, episode=owed.episode)
        done = Delivery(Delivered.POSTED, due.channel, due.kind, owed.episode)
        before = self._posted.before(due)
        lost = before is not None and not await self._outbox.remembers(before)
        try:
            message = await self._sender.post(replace(due, repeat=due.repeat or lost))
        except EmbellishmentRefused as error:
            await self._outbox.released(due)
            return replace(done, outcome=Delivered.BARER, error=error.error, left_out=error.left_out)
        except NotDelivered as error:
            if error.gone and due.root:
                # The thread's message was deleted: the present state is posted anew in its place.
                self._posted = self._posted.gone(due.episode) if due.episode else self._posted
                await self._outbox.uproot(due)
                return replace(done, outcome=Delivered.GONE, error=error.error)
            retry_at = self._clock.now() + retry_in(due.attempts, error)
            if error.permanent:
                self._sender.hold(Way.POST, due.channel, retry_in(due.attempts, error))
            self._posted = self._posted.after(due, claimed_at) if error.unknown else self._posted
            await self._outbox.failed(due, error.error, retry_at, unknown=error.unknown)
            outcome = Delivered.UNKNOWN if error.unknown else Delivered.REFUSED
            return replace(done, outcome=outcome, error=error.error, retry_at=retry_at)
        except Exception as fault:
            # A fault of ours: shown with what is undelivered, tried again slowly, raised for the log.
            retry_at, sent = self._clock.now() + SLOWEST_RETRY, not isinstance(fault, NotBuilt)
            await self._outbox.failed(due, "internal", retry_at, unknown=sent)
            raise
        self._posted = self._posted.after(due, claimed_at)
        await self._outbox.sent(due, message, self._clock.now())
        return done

    async def _edit(self, owed: Owed) -> Delivery:
        now = self._clock.now()
        edit = await self._outbox.claim_edit(owed.episode, now)
        if edit is None:
            return Delivery(Delivered.NOT_OWED, episode=owed.episode)
        done = Delivery(Delivered.EDITED, edit.episode.channel, None, owed.episode)
        self._edited.append(now)
        try:
            await self._sender.edit(edit)
        except EmbellishmentRefused as error:
            return replace(done, outcome=Delivered.BARER, error=error.error, left_out=error.left_out)
        except NotDelivered as error:
            if error.gone:
                self._posted = self._posted.gone(edit.episode)
                await self._outbox.edited(edit, now, gone=True)
                return replace(done, outcome=Delivered.GONE, error=error.error)
            asked = timedelta(seconds=error.retry_after) if error.retry_after else A_MINUTE
            retry_at = now + (SLOWEST_RETRY if error.permanent else min(asked, LONGEST_WAIT))
            await self._outbox.postponed(edit, retry_at)
            return replace(done, outcome=Delivered.REFUSED, error=error.error, retry_at=retry_at)
        except Exception:
            await self._outbox.postponed(edit, now + SLOWEST_RETRY)
            raise
        self._posted = self._posted.edited(edit)
        await self._outbox.edited(edit, now)
        return done
