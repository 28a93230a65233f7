"""Who watches the watcher: told of everything that happens, and changes nothing of it."""

from datetime import timedelta
from typing import Protocol

from bot.core.notice import Step
from bot.service.courier import Delivery
from bot.service.polled import Polled


class Observer(Protocol):
    """Is told what the bot does, to count it; no method raises or waits."""

    def polled(self, polled: Polled) -> None:
        """Take note of what one poll of one account found."""

    def cycle(self, took: timedelta) -> None:
        """Take note of a poll of all accounts."""

    def decided(self, step: Step) -> None:
        """Take note of a decision that was written."""

    def delivered(self, delivery: Delivery) -> None:
        """Take note of what became of a post or an edit."""

    def answered(self, verb: str, took: timedelta) -> None:
        """Take note of a command whose answer is ready."""

    def job_failed(self, job: str, why: str) -> None:
        """Take note of a job that did not do its work."""

    def heartbeat(self, outcome: str, error: str = "") -> None:
        """Take note of a heartbeat: sent, failed (with the error) or withheld."""

    def turned_away(self, why: str) -> None:
        """Take note of a connection or a request that was not waited for, or had no room."""


class Unobserved:
    """An observer that forgets everything."""

    def polled(self, polled: Polled) -> None:
        """Forget it."""

    def cycle(self, took: timedelta) -> None:
        """Forget it."""

    def decided(self, step: Step) -> None:
        """Forget it."""

    def delivered(self, delivery: Delivery) -> None:
        """Forget it."""

    def answered(self, verb: str, took: timedelta) -> None:
        """Forget it."""

    def job_failed(self, job: str, why: str) -> None:
        """Forget it."""

    def heartbeat(self, outcome: str, error: str = "") -> None:
        """Forget it."""

    def turned_away(self, why: str) -> None:
        """Forget it."""
