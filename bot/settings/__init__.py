"""The environment as frozen values: read once, every fault reported together, secrets unprintable."""

from bot.settings.accounts import Listed, Watched
from bot.settings.chosen import Settings
from bot.settings.environment import (
    FaultySettings,
    Partial,
    channels_without_command,
    for_reading,
    from_environment,
    names,
    on_sqlite,
    partial_from_environment,
    same_keys,
    slips,
    warnings,
    wiping_host,
)

__all__ = [
    "FaultySettings",
    "Listed",
    "Partial",
    "Settings",
    "Watched",
    "channels_without_command",
    "for_reading",
    "from_environment",
    "names",
    "on_sqlite",
    "partial_from_environment",
    "same_keys",
    "slips",
    "warnings",
    "wiping_host",
]
