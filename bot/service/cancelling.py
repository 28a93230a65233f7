"""Ending what is under way, without waiting for what cannot be cancelled."""

import asyncio
from collections.abc import Iterable
from typing import Any

CANCEL_SECONDS = 0.5
"""How long what is cancelled may take to end: with a frozen PostgreSQL it takes ten seconds."""


async def cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel these tasks and wait a moment for their end."""
    under_way = {task for task in tasks if not task.done()}
    for task in under_way:
        task.cancel()
    if under_way:
        await asyncio.wait(under_way, timeout=CANCEL_SECONDS)
