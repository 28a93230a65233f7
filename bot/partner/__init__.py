"""SMS Partner, Voice Partner and Mail Partner: what is asked, and what an answer means."""

from bot.partner.client import ATTEMPTS, MAX_BODY, Partner
from bot.partner.decipher import decipher
from bot.partner.waits import Waits

__all__ = ["ATTEMPTS", "MAX_BODY", "Partner", "Waits", "decipher"]
