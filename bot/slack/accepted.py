"""Slack's requests that were accepted: none is accepted twice, and a retry gets the first one's answer."""

import asyncio
from heapq import heappop, heappush

from slack_bolt.response import BoltResponse

MOST = 20_000
"""Requests that are remembered; beyond it the oldest count as stale."""

MOST_ANSWERS = 256
"""Answers that are kept for retries, each of at most LARGEST_ANSWER; a later retry gets an empty one."""

LARGEST_ANSWER = 32 * 1024

Answer = asyncio.Future[BoltResponse]


class Accepted:
    """What was accepted, in bounded memory.

    Every accepted signature is either remembered, or its timestamp is stale: the newest timestamp that was
    forgotten moves the border, so no clock that is set back makes an old request acceptable again.
    """

    def __init__(self, most: int = MOST, answers: int = MOST_ANSWERS) -> None:
        self._most = most
        self._most_answers = answers
        self._oldest: list[tuple[int, str, bytes]] = []
        self._signatures: set[str] = set()
        self._bodies: dict[bytes, int] = {}
        self._answers: dict[bytes, Answer] = {}
        self._forgotten = -1

    def forget(self, before: int) -> None:
        """Forget what was signed before this second, and is stale from now on."""
        while self._oldest and self._oldest[0][0] < before:
            self._forget_oldest()

    def stale(self, timestamp: int) -> bool:
        """Whether something as old as this may have been forgotten."""
        return timestamp <= self._forgotten

    def used(self, signature: str) -> bool:
        """Whether this signature was accepted before."""
        return signature in self._signatures

    def known(self, body: bytes) -> bool:
        """Whether a request with this body's digest was accepted before, under whatever signature."""
        return body in self._bodies

    def accept(self, timestamp: int, signature: str, body: bytes) -> Answer:
        """Remember a request from now on; its answer is to be set."""
        if len(self._oldest) >= self._most:
            self._forget_oldest()
        heappush(self._oldest, (timestamp, signature, body))
        self._signatures.add(signature)
        self._bodies[body] = self._bodies.get(body, 0) + 1
        self._answers.pop(body, None)
        if len(self._answers) >= self._most_answers:
            del self._answers[next(iter(self._answers))]
        answer = self._answers[body] = asyncio.get_running_loop().create_future()
        return answer

    def settle(self, answer: Answer, response: BoltResponse) -> None:
        """Set the answer that retries get."""
        if not answer.done():
            answer.set_result(response if len(response.body) <= LARGEST_ANSWER else BoltResponse(status=200))

    async def answer_to(self, body: bytes) -> BoltResponse:
        """Return the first request's answer, as soon as there is one; an empty 200 where it is not kept."""
        answer = self._answers.get(body)
        if answer is None:
            return BoltResponse(status=200)
        await asyncio.wait({answer})
        return BoltResponse(status=200) if answer.cancelled() else answer.result()

    def _forget_oldest(self) -> None:
        timestamp, signature, body = heappop(self._oldest)
        self._forgotten = max(self._forgotten, timestamp)
        self._signatures.discard(signature)
        self._bodies[body] -= 1
        if not self._bodies[body]:
            del self._bodies[body]
            self._answers.pop(body, None)
