"""A Slack bot that watches prepaid SMS credits and warns before they run out."""
