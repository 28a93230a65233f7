"""The environment is read once, and every fault is reported together."""

import io
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from bot.core.model import Product
from bot.settings.accounts import Listed, parse, read_file
from bot.settings.addresses import SQLITE
from bot.settings.chosen import DOT_ENV, ENCODING, Settings
from bot.settings.unknown import near, unknown
from bot.settings.values import BotToken, Channel, Secret
from bot.settings.watched import KEY_VARIABLES

_WIPING_HOSTS = ("DYNO", "RENDER", "RAILWAY_ENVIRONMENT", "FLY_APP_NAME", "CONTAINER")
"""Variables by which hosts without lasting files are known."""

_FAMILIES = (
    "SMSPARTNER_",
    "VOICEPARTNER_",
    "MAILPARTNER_",
    "CREDIT_SMS_",
    "BALANCE_",
    "REMINDER_",
    "SLACK_BOT_",
    "SLACK_APP_",
    "SLACK_SIGNING_",
)
"""Beginnings of names that nobody else uses: whatever is like them is meant for us."""

_FOR_READING = tuple(
    name
    for name in Settings.model_fields
    if name.startswith(
        ("smspartner_", "voicepartner_", "mailpartner_", "accounts", "credit_sms_", "balance_", "currency")
    )
)
"""What says which accounts there are, where they are read, and by which rules they are judged."""

_NEAR = 0.84
"""Below this are names that are like ours by chance: TEST_DATABASE_URL, SLACK_CLIENT_SECRET."""

_NO_ACCOUNT = (
    "SMSPARTNER_API_KEY: no account is named anywhere (set it, VOICEPARTNER_API_KEY, MAILPARTNER_API_KEY or "
    "ACCOUNTS_FILE). Example: SMSPARTNER_API_KEY=0123456789abcdef…"
)


class _FromEnvironment(Settings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (env_settings, dotenv_settings)


class FaultySettings(Exception):
    """Settings with which the bot cannot run; `faults` holds a line for each."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def from_environment() -> Settings:
    """Read the environment, `.env` and the file of accounts where there are any; raises `FaultySettings`."""
    if fault := _fault_of_dot_env():
        raise FaultySettings((fault,))
    listed, faults = _listed(_environment())
    try:
        settings = _FromEnvironment(listed=listed)
        faults = faults or nothing_watched(settings)
        if not faults:
            return settings
    except ValidationError as error:
        faults = (*(_line(fault) for fault in error.errors(include_url=False, include_input=False)), *faults)
    # Outside the handler: the ValidationError holds the values, secrets among them.
    raise FaultySettings(faults)


@dataclass(frozen=True)
class Partial:
    """Settings in which the faulty ones (`left_out`) have their defaults, or are empty.

    `faults` holds a line for each that matters; `environment` is what all were read from.
    """

    settings: Settings
    faults: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()
    environment: Mapping[str, str] = field(default_factory=dict)


class _Incomplete(Settings):
    """Settings in which anything may be left out: what the bot needs is empty then."""

    slack_bot_token: BotToken = SecretStr("")
    slack_signing_secret: Secret | None = None
    smspartner_api_key: Secret | None = None
    alert_channel: Channel = ""


def partial_from_environment(needed: Collection[str] = tuple(Settings.model_fields)) -> Partial:
    """Read all that is sound in the settings; only faults of what is needed are told, and none is raised."""
    if fault := _fault_of_dot_env():
        return Partial(_Incomplete(_env_file=None), (fault,), frozenset(Settings.model_fields))
    environment = _environment()
    listed, faults = _listed(environment)
    faulty: list[ErrorDetails] = []
    try:
        _FromEnvironment()
    except ValidationError as error:
        faulty = error.errors(include_url=False, include_input=False)
    left_out = frozenset(str(one["loc"][0]) for one in faulty)
    wanted: dict[str, Any] = {
        name: environment[name.upper()]
        for name in Settings.model_fields
        if name not in left_out and name.upper() in environment
    }
    settings = _Incomplete(listed=listed, _env_file=None, **wanted)
    told = tuple(_line(one) for one in faulty if one["loc"][0] in needed)
    if not (faulty or faults):
        faults = nothing_watched(settings)
    return Partial(settings, (*told, *faults), left_out, environment)


def for_reading() -> Partial:
    """Read what reading and judging accounts needs, all else if sound; raises `FaultySettings`."""
    found = partial_from_environment(_FOR_READING)
    if found.faults:
        raise FaultySettings(found.faults)
    return found


def nothing_watched(chosen: Settings) -> tuple[str, ...]:
    """Say that settings of which each is sound name no account."""
    return () if chosen.watched else (_NO_ACCOUNT,)


def _environment() -> dict[str, str]:
    """Return the environment's variables and those of `.env`, by their names in capitals.

    What is empty is not set: it hides nothing of the other source.
    """
    sources = (dotenv_values(DOT_ENV, encoding=ENCODING), os.environ)  # noqa: TID251 - read here alone
    return {name.upper(): value for source in sources for name, value in source.items() if value}


def _listed(environment: Mapping[str, str]) -> tuple[tuple[Listed, ...], tuple[str, ...]]:
    """Return the accounts of the file or the text, and what is wrong with them."""
    source = "ACCOUNTS_FILE" if "ACCOUNTS_FILE" in environment else "ACCOUNTS"
    text = environment.get(source)
    if text is None:
        return (), ()
    if source == "ACCOUNTS_FILE":
        text, fault = read_file(text)
        if fault:
            return (), (fault,)
    taken = tuple(name for name, variable in KEY_VARIABLES.items() if variable in environment)
    return parse(text, source, environment, taken)


def _fault_of_dot_env() -> str:
    path = Path(DOT_ENV)
    if path.is_dir():
        return f"{DOT_ENV}: is a folder. Settings are read from a file of that name: move the folder away"
    try:
        if path.is_file():
            lines = [
                one.original.line for one in parse_stream(io.StringIO(path.read_text(ENCODING))) if one.error
            ]
            if lines:
                where = ", ".join(map(str, lines))
                return f"{DOT_ENV}: no NAME=value (an open quote?) in line {where}. Example: PORT=3000"
    except UnicodeDecodeError:
        return f"{DOT_ENV}: is not UTF-8. Save it as UTF-8 text"
    except OSError as error:
        return f"{DOT_ENV}: cannot be read ({error.strerror}). Example: chmod u+r {DOT_ENV}"
    return ""


def _line(fault: ErrorDetails) -> str:
    name = str(fault["loc"][0])
    example = fault.get("ctx", {}).get("example") or (Settings.model_fields[name].examples or [""])[0]
    saying = "is missing" if fault["type"] == "missing" else fault["msg"]
    if fault["type"] != "fault":
        saying = saying[0].lower() + saying[1:].replace("Input ", "")
    return f"{name.upper()}: {saying.removeprefix('input ')}. Example: {name.upper()}={example}"


def names() -> tuple[str, ...]:
    """Every variable that the code reads."""
    return tuple(name.upper() for name in Settings.model_fields)


def warnings(chosen: Settings, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Say what is no fault and yet probably not meant: slips in names, state that a host wipes."""
    if environment is None:
        environment = _environment()
    found = (*slips(environment, chosen), *channels_without_command(chosen), *same_keys(chosen))
    host = wiping_host(environment)
    if host is None or not on_sqlite(chosen):
        return found
    return (
        *found,
        f"{host} is set: this host wipes its files, and SQLite with them; set DATABASE_URL to PostgreSQL",
    )


def slips(environment: Mapping[str, str], chosen: Settings) -> tuple[str, ...]:
    """Name the variables that are none of ours but look as if they were meant to be."""
    keys = {one.account.key_source for one in chosen.watched}
    return tuple(
        unknown(f"setting {name}", meant)
        for name in sorted(environment)
        if name.upper() not in keys and (meant := _meant(name.upper()))
    )


def same_keys(chosen: Settings) -> tuple[str, ...]:
    """Name the accounts that are one and the same for the provider: each is read and told by itself."""
    alike: dict[tuple[Product, str], list[str]] = {}
    for one in chosen.watched:
        alike.setdefault((one.account.product, one.api_key.get_secret_value()), []).append(one.account.name)
    return tuple(
        f"accounts {' and '.join(names)} have the same key: each is read and posted by itself; keep one"
        for names in alike.values()
        if len(names) > 1
    )


def channels_without_command(chosen: Settings) -> tuple[str, ...]:
    """Name the channels that are warned and yet may not ask."""
    told = {one.account.channel for one in chosen.watched}
    return tuple(
        f"ALLOWED_CHANNELS lacks {channel}, which is warned, so /smscredits does not answer there; add it"
        for channel in sorted(told - (chosen.allowed_channels or told))
    )


def wiping_host(environment: Mapping[str, str]) -> str | None:
    """Return the variable by which a host is known whose files do not last."""
    return next((name for name in _WIPING_HOSTS if environment.get(name)), None)


def on_sqlite(chosen: Settings) -> bool:
    """Whether the state lives in a file."""
    return chosen.database_url.get_secret_value().startswith(SQLITE)


def _meant(name: str) -> tuple[str, ...]:
    """Return the settings that a name which is none of them was probably meant to be."""
    ours = names()
    # Slack's own ids (SLACK_APP_ID…) are for other tools; no setting of ours ends so.
    if name in ours or (name.startswith("SLACK_") and name.endswith("_ID")):
        return ()
    if nearest := near(name, ours, _NEAR):
        return nearest
    family = next((start for start in _FAMILIES if name.startswith(start)), None)
    return tuple(one for one in ours if one.startswith(family)) if family else ()
