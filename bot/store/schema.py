"""The tables, and the column types that keep times in UTC and decimals exact.

Every name carries the bot's own prefix: a database is often another application's too.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import from_json
from sqlalchemy import (
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

from bot.core.gap import Gap
from bot.core.model import Field, Level, Product
from bot.core.notice import Kind
from bot.core.reading import Failure, SubAccount
from bot.core.watch import Ending, Firing, Member, Mute, Rise, ThresholdChange, Trouble


class Broken(Enum):
    """Stands for a value that cannot be read, and holds nothing of it."""

    BROKEN = "broken"


BROKEN = Broken.BROKEN


class _Stored(TypeDecorator[Any]):
    """What is stored as another type; a value that cannot be read hides neither row nor others: `BROKEN`."""

    impl: Any = Text
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Return what decodes a value, and never raises."""
        process = super().result_processor(dialect, coltype)

        def decode(value: Any) -> Any:
            if value is None or value is BROKEN:
                return value
            try:
                return process(value) if process else value
            except Exception:  # noqa: BLE001 - whatever a stored value may be; its words may quote it
                return BROKEN

        return decode


class Utc(_Stored):
    """An aware time in UTC, on SQLite too, which knows no timezones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware time."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(_Stored):
    """A frozen value as JSON text in ASCII, decimals as strings; parsed back into the same type.

    Fields that a newer release has added are dropped.
    """

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind
        self._adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write the value as JSON that any encoding of a database can hold."""
        if isinstance(value, Mapping):
            value = dict(value)
        return None if value is None else self._adapter.dump_json(value, ensure_ascii=True).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Parse the value back."""
        return None if value is None else _aware(self._adapter.validate_json(value))


class Amounts(Json):
    """What is left of each field; a field that this release does not know is dropped."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(dict[Field, Decimal])

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Parse the value back."""
        if value is None:
            return None
        stored = from_json(value).items()
        return self._adapter.validate_python({name: left for name, left in stored if name in _FIELDS})


class Named(_Stored):
    """One of a few names."""

    impl = String
    cache_ok = True

    def __init__(self, kind: type[StrEnum], length: int) -> None:
        super().__init__(length)
        self.kind = kind
        self.length = length

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Return the member of this name."""
        return None if value is None else self.kind(value)


class Graded(_Stored):
    """A level."""

    impl = Integer
    cache_ok = True

    def process_result_value(self, value: int | None, dialect: Dialect) -> Any:
        """Return the level."""
        return None if value is None else Level(value)


_FIELDS = frozenset(Field)


def _aware(value: Any) -> Any:
    """Return a value whose times say where they hold; raises `ValueError`."""
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError
    if isinstance(value, tuple):
        for one in value:
            _aware(one)
    elif isinstance(value, Mute | Rise | Gap | Member):
        for one in fields(value):
            _aware(getattr(value, one.name))
    return value


metadata = MetaData()

account = Table(
    "smscredits_account",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failing_since", Utc),
    Column("failure", Json(Failure)),
    Column("read_at", Utc),
    Column("amounts", Amounts()),
    Column("currency", String(10)),
    Column("subaccounts", Json(tuple[SubAccount, ...])),
    Column("unlisted", Json(Failure)),
)

reading = Table(
    "smscredits_reading",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", String(100), nullable=False),
    Column("began_at", Utc, nullable=False),
    Column("amounts", Amounts(), nullable=False),
    Column("currency", String(10), nullable=False),
    Index("smscredits_reading_by_account", "account", "began_at"),
    Index("smscredits_reading_by_time", "began_at"),
)

episode = Table(
    "smscredits_episode",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account", String(100), nullable=False),
    Column("trouble", Named(Trouble, 20), nullable=False),
    Column("channel", String(30), nullable=False),
    Column("level", Graded, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("firing", Json(tuple[Firing, ...]), nullable=False),
    Column("failure", Json(Failure)),
    Column("topped_up", Json(Decimal), nullable=False),
    Column("thresholds_changed", Json(tuple[ThresholdChange, ...]), nullable=False),
    Column("rise", Json(Rise)),
    Column("mute", Json(Mute)),
    Column("pinged_at", Utc),
    Column("remind_at", Utc),
    Column("ending", Named(Ending, 20), nullable=False, server_default=Ending.RECOVERED),
    Column("moved_to", String(30), nullable=False, server_default=""),
    Column("members", Json(tuple[Member, ...]), nullable=False, server_default="[]"),
    Column("product", Named(Product, 10), nullable=False, server_default=Product.SMS),
    Column("root", String(30), nullable=False),
    Column("edit_at", Utc),
    Index("smscredits_episode_open", "account", "ended_at"),
    Index("smscredits_episode_ended", "ended_at"),
    Index("smscredits_episode_to_edit", "edit_at"),
    Index("smscredits_episode_to_recall", "remind_at"),
)

notice = Table(
    "smscredits_notice",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Named(Kind, 20), nullable=False),
    Column("channel", String(30), nullable=False),
    Column("at", Utc, nullable=False),
    Column("episode", String(32), nullable=False),
    Column("level", Graded, nullable=False),
    Column("once", String(100), unique=True),
    Column("message", String(30)),
    Column("sent_at", Utc),
    Column("attempts", Integer, nullable=False),
    Column("retry_at", Utc),
    Column("error", String(100)),
    Column("tried_at", Utc),
    Column("gap", Json(Gap)),
    Index("smscredits_notice_waiting", "sent_at", "episode"),
    Index("smscredits_notice_of_episode", "episode", "sent_at"),
)

lease = Table(
    "smscredits_lease",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("holder", String(32), nullable=False),
    Column("expires_at", Utc, nullable=False),
)

process = Table(
    "smscredits_process",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("started_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
)

poll_round = Table(
    "smscredits_poll_round",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("polled_at", Utc),
    Column("gap_since", Utc),
)

history = Table(
    "smscredits_history",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("thinned_until", Utc),
)

request = Table(
    "smscredits_request",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("asked_at", Json(tuple[datetime, ...]), nullable=False),
    Column("for_commands", Json(tuple[datetime, ...]), nullable=False, server_default="[]"),
)

version = Table("smscredits_version", MetaData(), Column("version_num", String(32), primary_key=True))
"""The version of the tables, as Alembic keeps it: none of those that it looks after."""

FIRST_ROWS: Mapping[Table, Mapping[str, Any]] = {
    lease: {"name": "watch", "holder": "", "expires_at": datetime(2000, 1, 1, tzinfo=UTC)},
    poll_round: {"name": "watch"},
    history: {"name": "watch"},
}
"""What stands in the tables from the beginning."""
