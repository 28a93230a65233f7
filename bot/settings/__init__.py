"""The environment as frozen values: read once, every fault reported together, secrets unprintable."""

from bot.settings.accounts import Listed, Watched
from bot.settings.chosen import Settings
from bot.settings.environment import FaultySettings, from_environment, names, warnings

__all__ = ["FaultySettings", "Listed", "Settings", "Watched", "from_environment", "names", "warnings"]
