"""SMS Partner, Voice Partner and Mail Partner: what is asked, and what an answer means."""

from bot.partner.client import MAX_BODY, Partner
from bot.partner.decipher import decipher

__all__ = ["MAX_BODY", "Partner", "decipher"]
