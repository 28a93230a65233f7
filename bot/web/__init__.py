"""The HTTP face: Slack's requests, and a sign of life for hosts."""

from bot.web.bodies import MAX_BODY, Bodies
from bot.web.serving import application, serving
from bot.web.tally import Tally

__all__ = ["MAX_BODY", "Bodies", "Tally", "application", "serving"]
