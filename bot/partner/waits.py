"""Until when the provider asked to be left alone, by host and key."""

from collections.abc import Mapping
from dataclasses import replace

from bot.core.asking import still_waits, wait_until
from bot.core.reading import Failure
from bot.ports import Clock

Asker = tuple[str, str]
"""A host and a key: whoever asks it with that one waits."""


class Waits:
    """The waits of all accounts; a key is shared by accounts, and so is the wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[Asker, Failure] = {}

    def begin(self, asker: Asker, failure: Failure, headers: Mapping[str, str]) -> Failure:
        """Let nobody ask until the time that the provider gave; return the failure with that time in it.

        Of two answers on their way at once the longer wait holds.
        """
        until = wait_until(headers, self._clock.now())
        before = self.failure_of(asker)
        if before and before.wait_until:
            until = max(until, before.wait_until)
        self._failures[asker] = replace(failure, wait_until=until)
        return self._failures[asker]

    def resume(self, asker: Asker, failure: Failure) -> None:
        """Go on with a wait that was stored, unless a longer one is known."""
        before = self.failure_of(asker)
        if failure.wait_until and not (
            before and before.wait_until and before.wait_until >= failure.wait_until
        ):
            self._failures[asker] = failure

    def failure_of(self, asker: Asker) -> Failure | None:
        """Return with what failure whoever asks now fails at once; nothing where nobody waits."""
        failure = self._failures.get(asker)
        if failure and failure.wait_until and still_waits(failure.wait_until, self._clock.now()):
            return failure
        self._failures.pop(asker, None)
        return None
