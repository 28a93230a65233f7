"""Every sentence that a person reads in Slack, and how figures look in it."""

from bot.text.words import Words

__all__ = ["Words"]
