"""Slack's side of the bot: requests decoded, answers encoded, channels told."""
