"""What came of polls."""

from dataclasses import dataclass

from bot.core.notice import Reason, Step
from bot.core.reading import Failure, Held, Reading


@dataclass(frozen=True)
class Polled:
    """What one poll found and decided: no outcome while still in flight, no step with the database away.

    `passed_on` says that another process watches by now, so that this one decides nothing; `held_back` why
    the provider was not asked.
    """

    account: str
    outcome: Reading | Failure | None = None
    step: Step | None = None
    passed_on: bool = False
    held_back: Held | None = None

    @property
    def judged(self) -> bool:
        """Whether the outcome was judged and written, by this poll or by the command that read it."""
        if self.step is None or self.step.reasons != (Reason.OLDER_THAN_STORED,):
            return self.step is not None
        stored = self.step.watch.reading
        return isinstance(self.outcome, Reading) and stored is not None and same(stored, self.outcome)

    @property
    def fine(self) -> bool:
        """Whether the account is known to be read well, as of now."""
        return self.step is not None and not self.step.watch.failures

    @property
    def lost(self) -> bool:
        """Whether there was something to judge that was not written."""
        return self.passed_on or (self.outcome is not None and not self.judged)


def same(one: Reading, other: Reading) -> bool:
    """Whether both are the same reading of an account, one of them with what was known before."""
    return one.began_at == other.began_at
