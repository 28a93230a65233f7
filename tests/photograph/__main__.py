"""Write down anew every message that the bot can say: `python -m tests.photograph`."""

import asyncio

from bot import log
from tests.photograph.camera import PHOTOGRAPH, photographed

log.configure("critical", None)
PHOTOGRAPH.write_text(asyncio.run(photographed()), encoding="utf-8")
