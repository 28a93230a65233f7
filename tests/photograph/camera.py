"""The photograph: every message that the stories bring about, in one text."""

from pathlib import Path

from tests.photograph.stage import staged
from tests.photograph.stories import STORIES

PHOTOGRAPH = Path(__file__).parent / "messages.txt"


async def photographed() -> str:
    """Play every story and return what a person would see."""
    lines: list[str] = []
    for story in STORIES:
        lines += ["", f"# {story.__name__.replace('_', ' ')}", ""]
        async with staged(lines) as stage:
            await story(stage)
    return "\n".join(lines).lstrip() + "\n"
