"""Every setting as a frozen value, secrets unprintable."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.core.model import Field as Counted
from bot.core.model import Level, Product, Rule
from bot.settings.accounts import Listed, Watched
from bot.settings.addresses import SQLITE, BindAddress, DatabaseUrl, Link, SecretUrl, Url
from bot.settings.faults import fault
from bot.settings.values import (
    AppToken,
    BotToken,
    Channel,
    Channels,
    Currency,
    Duration,
    DurationOrOff,
    LogFormat,
    LogLevel,
    LongSecret,
    Mention,
    Patience,
    Percentage,
    Port,
    Seconds,
    Secret,
    Threshold,
    Timezone,
    Users,
    WholeThreshold,
)
from bot.settings.watched import Defaults, composed

DOT_ENV = ".env"
ENCODING = "utf-8-sig"
"""Some editors put a byte-order mark first, which would become a part of the first variable's name."""


class Settings(BaseSettings):
    """Every setting that the code reads, by its variable's name in lower case."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_ignore_empty=True,
        env_file=DOT_ENV,
        env_file_encoding=ENCODING,
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
        description="Proves that requests come from Slack; needed unless SLACK_APP_TOKEN is set.",
        examples=["8f742231b10e…"],
    )
    slack_api_url: Url = Field(
        "https://slack.com/api/",
        description="Where Slack's Web API is; for tests and the demo.",
        examples=["https://slack.com/api/"],
    )
    voicepartner_api_key: Secret | None = Field(
        None, description="The key of a Voice Partner account.", examples=["0123-4567-89ab-cdef…"]
    )
    mailpartner_api_key: Secret | None = Field(
        None, description="The key of a Mail Partner account.", examples=["0123456789abcdef…"]
    )
    accounts_file: str | None = Field(
        None, description="A TOML file that lists more accounts.", examples=["accounts.toml"]
    )
    accounts: str | None = Field(
        None,
        description="The same text, for hosts without files.",
        examples=['[[account]] and below it name = "marketing"'],
    )
    smspartner_api_key: Secret | None = Field(
        None,
        validate_default=True,
        description="The key of the SMS Partner account (https://my.smspartner.fr/dashboard/api).",
        examples=["0123456789abcdef…"],
    )
    smspartner_api_url: Url = Field(
        "https://api.smspartner.fr/v1",
        description="Where SMS Partner's API is.",
        examples=["https://api.smspartner.fr/v1"],
    )
    voicepartner_api_url: Url = Field(
        "https://api.voicepartner.fr/v1",
        description="Where Voice Partner's API is.",
        examples=["https://api.voicepartner.fr/v1"],
    )
    mailpartner_api_url: Url = Field(
        "https://api.mailpartner.fr/v1",
        description="Where Mail Partner's API is.",
        examples=["https://api.mailpartner.fr/v1"],
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
    currency: Currency | None = Field(
        None,
        description="The unit of money; that of the first good reading, if not set.",
        examples=["EUR"],
    )
    poll_interval: Duration = Field(
        timedelta(minutes=5), description="How often the account is read, at least 1s.", examples=["5m"]
    )
    unreadable_after: Patience = Field(
        3, description="Failed polls in a row before the channel is notified.", examples=["3"]
    )
    rearm_margin: Percentage = Field(
        Decimal("0.10"), description="How far above its threshold a rule ends.", examples=["10%"]
    )
    reminder_warning: DurationOrOff = Field(
        timedelta(hours=24),
        description="How often the channel is reminded of an open warning; 0 for never.",
        examples=["24h"],
    )
    reminder_critical: DurationOrOff = Field(
        timedelta(hours=4),
        description="How often it is reminded while critical or empty; 0 for never.",
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
    allowed_channels: Channels | None = Field(
        None,
        description="The only channels where the command answers; all, if not set.",
        examples=["C0123456789,C9876543210"],
    )
    allowed_users: Users | None = Field(
        None,
        description="The only people whom command and buttons obey; all, if not set.",
        examples=["U0123456789,W9876543210"],
    )
    top_up_url: Link = Field(
        "https://my.smspartner.fr/",
        description="Where the “Top up” button leads; unset, alerts of voice and mail accounts have none.",
        examples=["https://my.smspartner.fr/"],
    )
    heartbeat_url: SecretUrl | None = Field(
        None,
        description="Asked after every completed poll: a watchdog elsewhere that misses it raises the alarm.",
        examples=["https://hc-ping.com/0123-4567"],
    )
    metrics_token: LongSecret | None = Field(
        None,
        description="The bearer token of /metrics, which is served only with it.",
        examples=["a-random-text-of-16-characters-or-more"],
    )
    port: Port = Field(3000, description="The port that is served.", examples=["3000"])
    bind_address: BindAddress | None = Field(
        None,
        description="The only IP address that is served, such as 127.0.0.1 behind a proxy; all, if not set.",
        examples=["127.0.0.1"],
    )
    drain_seconds: Seconds = Field(
        20,
        description="How long work in flight may take to finish after SIGTERM.",
        examples=["20"],
    )
    log_level: LogLevel = Field(
        "info", description="The least important line that is logged.", examples=["info"]
    )
    log_format: LogFormat | None = Field(
        None, description="How lines are logged; console on a terminal, else json.", examples=["json"]
    )

    _listed: tuple[Listed, ...] = PrivateAttr(default=())

    def __init__(self, listed: tuple[Listed, ...] = (), **values: Any) -> None:
        """Take the accounts of the file as they were parsed, beside the values of the variables."""
        super().__init__(**values)
        self._listed = listed

    @property
    def watched(self) -> tuple[Watched, ...]:
        """Every account to watch: those of the key variables, then those of the file."""
        keys = {
            Product.SMS: self.smspartner_api_key,
            Product.VOICE: self.voicepartner_api_key,
            Product.MAIL: self.mailpartner_api_key,
        }
        urls = {
            Product.SMS: self.smspartner_api_url,
            Product.VOICE: self.voicepartner_api_url,
            Product.MAIL: self.mailpartner_api_url,
        }
        return composed(
            keys, self._listed, Defaults(self.alert_channel, urls, self._rules, self.currency or "")
        )

    @property
    def top_up_urls(self) -> Mapping[Product, str]:
        """Where an account of each product is topped up; the default is SMS Partner's own page alone."""
        products = Product if "top_up_url" in self.model_fields_set else (Product.SMS,)
        return dict.fromkeys(products, self.top_up_url)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret in force, for whoever has to keep them out of what is written."""
        chosen = (getattr(self, name) for name in type(self).model_fields)
        keys = (one.api_key for one in self.watched)
        found = (one.get_secret_value() for one in (*chosen, *keys) if isinstance(one, SecretStr))
        return tuple(dict.fromkeys(found))

    @property
    def _rules(self) -> tuple[Rule, ...]:
        limits = (
            (Counted.CREDIT_SMS, Level.WARNING, self.credit_sms_warning, "CREDIT_SMS_WARNING"),
            (Counted.CREDIT_SMS, Level.CRITICAL, self.credit_sms_critical, "CREDIT_SMS_CRITICAL"),
            (Counted.BALANCE, Level.WARNING, self.balance_warning, "BALANCE_WARNING"),
            (Counted.BALANCE, Level.CRITICAL, self.balance_critical, "BALANCE_CRITICAL"),
        )
        return tuple(
            Rule(name, level, limit, source) for name, level, limit, source in limits if limit is not None
        )

    @field_validator("*", mode="before")
    @classmethod
    def _is_text(cls, value: object) -> object:
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                raise fault("holds bytes that are not UTF-8") from None
        return value

    @field_validator("smspartner_api_key", mode="after")
    @classmethod
    def _one_account_at_least(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        others = ("voicepartner_api_key", "mailpartner_api_key", "accounts_file", "accounts")
        if key is None and all(name in info.data and info.data[name] is None for name in others):
            raise fault("is missing (or set VOICEPARTNER_API_KEY, MAILPARTNER_API_KEY or ACCOUNTS_FILE)")
        return key

    @field_validator("accounts", mode="after")
    @classmethod
    def _file_or_text(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text is not None and info.data.get("accounts_file") is not None:
            raise fault("is set beside ACCOUNTS_FILE; set only one of them")
        return text

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
        limit = info.data.get(warning)
        if critical is not None and limit is not None and limit < critical:
            raise fault(f"is above {warning.upper()}, so the warning would come last", str(limit))
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
