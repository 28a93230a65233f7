"""A Slack bot that watches prepaid SMS credits and warns before they run out."""

VERSION = "0.1.0"
"""Static, for hosts build without git and do not install the project."""
