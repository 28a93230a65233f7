"""Who is connected, and whom the bot waits for: whoever keeps it waiting longest makes room."""

from typing import Generic, TypeVar

Caller = TypeVar("Caller")


class Callers(Generic[Caller]):
    """The connections of one server: each is waited for (its head, or its body) or is being served."""

    def __init__(self, most: int) -> None:
        self._most = most
        # In the order in which the waiting began.
        self._without_head: dict[Caller, None] = {}
        self._without_body: dict[Caller, None] = {}
        self._served: dict[Caller, None] = {}

    def __len__(self) -> int:
        return len(self._without_head) + len(self._without_body) + len(self._served)

    def must_go(self) -> Caller | None:
        """Return who makes room for a newcomer: the longest without a head, else the longest without a body.

        A body comes right behind its head; nothing is returned where every caller is being served.
        """
        return next(iter(self._without_head), None) or next(iter(self._without_body), None)

    @property
    def full(self) -> bool:
        """Whether there is room for nobody more."""
        return len(self) >= self._most

    def await_head(self, one: Caller) -> None:
        """Wait for its next request from now on."""
        self.leave(one)
        self._without_head[one] = None

    def await_body(self, one: Caller) -> None:
        """Wait for the rest of its request from now on."""
        self.leave(one)
        self._without_body[one] = None

    def serve(self, one: Caller) -> None:
        """Wait for nothing of it: its request is being answered."""
        self.leave(one)
        self._served[one] = None

    def leave(self, one: Caller) -> None:
        """Forget it."""
        for group in (self._without_head, self._without_body, self._served):
            group.pop(one, None)
