"""The environment as frozen values: read once, every fault reported together, secrets unprintable."""

import os
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.settings.addresses import SQLITE, DatabaseUrl, Link, Url
from bot.settings.values import (
    AppToken,
    BotToken,
    Channel,
    Duration,
    DurationOrOff,
    LogFormat,
    LogLevel,
    Mention,
    Percentage,
    Secret,
    Threshold,
    Timezone,
    WholeThreshold,
    fault,
)

_WIPING_HOSTS = ("DYNO", "RENDER", "RAILWAY_ENVIRONMENT", "FLY_APP_NAME", "CONTAINER")
"""Variables by which hosts without lasting files are known."""

_DOT_ENV = ".env"
_ENCODING = "utf-8-sig"
"""Some editors put a byte-order mark first, which would become a part of the first variable's name."""

_OTHERS = ("MAILPARTNER_", "VOICEPARTNER_")
"""Keys of the provider's other products: another program's, and no slip."""

_FAMILIES = (
    "SMSPARTNER_",
    "CREDIT_SMS_",
    "BALANCE_",
    "REMINDER_",
    "SLACK_BOT_",
    "SLACK_APP_",
    "SLACK_SIGNING_",
)
"""Beginnings of names that nobody else uses: whatever is like them is meant for us."""

_NEAR = 0.84
"""Below this are names that are like ours by chance: TEST_DATABASE_URL, SLACK_CLIENT_SECRET."""


class Settings(BaseSettings):
    """Every setting that the code reads, by its variable's name in lower case."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_ignore_empty=True,
        env_file=_DOT_ENV,
        env_file_encoding=_ENCODING,
        extra="ignore",
        hide_input_in_errors=True,
        validate_default=False,
    )

    slack_bot_token: BotToken = Field(description="The bot token of the Slack app.", examples=["xoxb-…"])
    slack_app_token: AppToken | None = Field(
        None, description="Switches Socket Mode on: no public address is needed then.", examples=["xapp-…"]
    )
    slack_signing_secret: Secret | None = Field(
        None,
        validate_default=True,
        description="Proves that requests come from Slack; required in HTTP mode.",
        examples=["8f742231b10e…"],
    )
    slack_api_url: Url = Field(
        "https://slack.com/api/",
        description="Where Slack's Web API is; for tests and the demo.",
        examples=["https://slack.com/api/"],
    )
    smspartner_api_key: Secret = Field(
        description="The key of the SMS Partner account (https://my.smspartner.fr/dashboard/api).",
        examples=["0123456789abcdef…"],
    )
    smspartner_api_url: Url = Field(
        "https://api.smspartner.fr/v1",
        description="Where SMS Partner's API is.",
        examples=["https://api.smspartner.fr/v1"],
    )
    alert_channel: Channel = Field(
        description="The id of the channel that is warned.", examples=["C0123456789"]
    )
    credit_sms_warning: WholeThreshold | None = Field(
        None, description="Warn when fewer SMS than this are left.", examples=["5000"]
    )
    credit_sms_critical: WholeThreshold | None = Field(
        None, description="Critical when fewer SMS than this are left.", examples=["1000"]
    )
    balance_warning: Threshold | None = Field(
        None, description="Warn when less money than this is left.", examples=["200.00"]
    )
    balance_critical: Threshold | None = Field(
        None, description="Critical when less money than this is left.", examples=["50.00"]
    )
    poll_interval: Duration = Field(
        timedelta(minutes=5), description="How often the account is read, at least 1s.", examples=["5m"]
    )
    unreadable_after: int = Field(
        3, ge=1, le=1000, description="Failed polls in a row before the channel is told.", examples=["3"]
    )
    rearm_margin: Percentage = Field(
        Decimal("0.10"), description="How far above its threshold a rule ends.", examples=["10%"]
    )
    reminder_warning: DurationOrOff = Field(
        timedelta(hours=24),
        description="How often an open warning is recalled; 0 for never.",
        examples=["24h"],
    )
    reminder_critical: DurationOrOff = Field(
        timedelta(hours=4),
        description="How often it is recalled while critical or empty; 0 for never.",
        examples=["4h"],
    )
    mention_on_critical: Mention | None = Field(
        None, description="Who is mentioned when it becomes critical.", examples=["<!subteam^S0123>"]
    )
    database_url: DatabaseUrl = Field(
        SecretStr(SQLITE + "smscredits.db"),
        description="Where the state lives: SQLite, or PostgreSQL.",
        examples=["postgres://user:password@host:5432/name"],
    )
    timezone: Timezone = Field(
        ZoneInfo("Europe/Paris"),
        description="The timezone of times that Slack does not convert.",
        examples=["Europe/Paris"],
    )
    top_up_url: Link = Field(
        "https://my.smspartner.fr/",
        description="Where the “Top up” button leads.",
        examples=["https://my.smspartner.fr/"],
    )
    port: int = Field(3000, ge=0, le=65535, description="The port that is served.", examples=["3000"])
    drain_seconds: int = Field(
        20,
        ge=0,
        le=600,
        description="How long work in flight may take to finish after SIGTERM.",
        examples=["20"],
    )
    log_level: LogLevel = Field(
        "info", description="The least important line that is logged.", examples=["info"]
    )
    log_format: LogFormat | None = Field(
        None, description="How lines are logged; console on a terminal, else json.", examples=["json"]
    )

    @field_validator("slack_signing_secret", mode="after")
    @classmethod
    def _needed_in_http_mode(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if secret is None and "slack_app_token" in info.data and info.data["slack_app_token"] is None:
            raise fault("is missing (or set SLACK_APP_TOKEN for Socket Mode)")
        return secret

    @field_validator("credit_sms_critical", "balance_critical", mode="after")
    @classmethod
    def _not_above_its_warning(cls, critical: Decimal | None, info: ValidationInfo) -> Decimal | None:
        warning = (info.field_name or "").replace("critical", "warning")
        if critical is not None and (info.data.get(warning) or critical) < critical:
            raise fault(f"is above {warning.upper()}, so the warning would come last")
        return critical

    @field_validator("poll_interval", mode="after")
    @classmethod
    def _at_least_a_second(cls, interval: timedelta) -> timedelta:
        if not timedelta(seconds=1) <= interval <= timedelta(days=1):
            raise fault("must lie between 1s and 1d")
        return interval

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take explicit values alone: the demo must not see what the environment holds."""
        return (init_settings,)


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
    """Read the environment, and `.env` where there is one; raises `FaultySettings`."""
    if fault := _fault_of_dot_env():
        raise FaultySettings((fault,))
    try:
        return _FromEnvironment()
    except ValidationError as error:
        faults = tuple(_line(fault) for fault in error.errors(include_url=False, include_input=False))
    # Outside the handler: the ValidationError holds the values, secrets among them.
    raise FaultySettings(faults)


def _fault_of_dot_env() -> str:
    path = Path(_DOT_ENV)
    if path.is_dir():
        return f"{_DOT_ENV}: is a folder. Settings are read from a file of that name: move the folder away"
    try:
        if path.is_file():
            path.read_text(_ENCODING)
    except UnicodeDecodeError:
        return f"{_DOT_ENV}: is not UTF-8. Save it as UTF-8 text"
    except OSError as error:
        return f"{_DOT_ENV}: cannot be read ({error.strerror}). Example: chmod u+r {_DOT_ENV}"
    return ""


def _line(fault: ErrorDetails) -> str:
    name = str(fault["loc"][0])
    example = (Settings.model_fields[name].examples or [""])[0]
    saying = "is missing" if fault["type"] == "missing" else fault["msg"]
    if fault["type"] != "fault":
        saying = saying[0].lower() + saying[1:].replace("Input ", "")
    return f"{name.upper()}: {saying.removeprefix('input ')}. Example: {name.upper()}={example}"


def names() -> tuple[str, ...]:
    """Every variable that the code reads."""
    return tuple(name.upper() for name in Settings.model_fields)


def warnings(chosen: Settings, environment: Mapping[str, str | None] | None = None) -> tuple[str, ...]:
    """Say what is no fault and yet probably not meant: slips in names, state that a host wipes."""
    if environment is None:
        dot_env = dotenv_values(_DOT_ENV, encoding=_ENCODING)
        environment = {**dot_env, **os.environ}  # noqa: TID251 - this module reads the environment
    slips = tuple(
        f"{name} is not a setting; did you mean {' or '.join(meant)}?"
        for name in sorted(environment)
        if (meant := _meant(name.upper()))
    )
    host = next((name for name in _WIPING_HOSTS if environment.get(name)), None)
    if host is None or not chosen.database_url.get_secret_value().startswith(SQLITE):
        return slips
    return (
        *slips,
        f"{host} is set: this host wipes its files, and SQLite with them; set DATABASE_URL to PostgreSQL",
    )


def _meant(name: str) -> tuple[str, ...]:
    """Return the settings that a name which is none of them was probably meant to be."""
    ours = names()
    # Slack's own ids (SLACK_APP_ID…) are for other tools; no setting of ours ends so.
    if name in ours or name.startswith(_OTHERS) or (name.startswith("SLACK_") and name.endswith("_ID")):
        return ()
    if near := get_close_matches(name, ours, n=1, cutoff=_NEAR):
        return tuple(near)
    family = next((start for start in _FAMILIES if name.startswith(start)), None)
    return tuple(one for one in ours if one.startswith(family)) if family else ()
