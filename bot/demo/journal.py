"""What happened, written down for a demo that may run for days: the oldest entries are forgotten."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TypeVar, overload

T = TypeVar("T")


class Journal(Sequence[T]):
    """A list that forgets its oldest entries; the others keep their places and `len` counts them all.

    So who has read up to `len(journal)` finds what is new in `journal[seen:]`, as with a list.
    """

    def __init__(self, keep: int = 1000) -> None:
        self._kept: deque[T] = deque(maxlen=keep)
        self._count = 0

    def append(self, entry: T) -> None:
        """Write down one entry, forgetting the oldest if there are too many."""
        self._kept.append(entry)
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        return iter(tuple(self._kept))

    def __reversed__(self) -> Iterator[T]:
        return reversed(tuple(self._kept))

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[T]: ...

    def __getitem__(self, place: int | slice) -> T | Sequence[T]:
        forgotten = self._count - len(self._kept)
        asked = range(self._count)[place]
        if isinstance(asked, range):
            return [self._kept[number - forgotten] for number in asked if number >= forgotten]
        if asked < forgotten:
            raise IndexError(f"entry {asked} is forgotten, {forgotten} is the oldest")
        return self._kept[asked - forgotten]
