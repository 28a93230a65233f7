"""Accounts listed in a TOML file, or in the same text: every fault with its place, nothing typed quoted."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from unicodedata import category, normalize

from pydantic import SecretStr
from pydantic_core import PydanticCustomError

from bot.core.command import WORDS
from bot.core.key import may_be_key, must_be_key
from bot.core.model import RULED, Account, Field, Level, Product
from bot.settings.numbers import Float, above_zero, whole_above_zero
from bot.settings.unknown import near, unknown
from bot.settings.values import channel, currency, secret

LARGEST = 1024 * 1024
"""Bytes of a file of accounts."""

Limits = Mapping[Level, Decimal]
Thresholds = Mapping[Field, Limits]
"""By field; no limits at all switch the field's rule off."""

_RESERVED = frozenset(
    {*WORDS, "show", "history"}
    | {"historique", "alertes", "seuils", "vu", "pause", "reprendre", "partager", "aide"}
)
"""Words that `/smscredits` understands or will, in English and in French."""

_TABLES = ("account",)
_KEYS = (
    "name", "product", "api_key_env", "channel", "subaccounts", "subaccount_emails", "thresholds",
    "subaccount_thresholds", "currency",
)  # fmt: skip
_KEY_EXAMPLE = 'api_key_env = "KEY_MARKETING"'
_EXAMPLE = 'Example: [[account]] and below it name = "marketing"'
_EVERY_RULED = tuple(dict.fromkeys(name for ruled in RULED.values() for name in ruled))
_LEVELS = {"warning": Level.WARNING, "critical": Level.CRITICAL}
_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*account[ \t]*\]\]", re.MULTILINE)


@dataclass(frozen=True)
class Listed:
    """One account of the file, with its key from the environment; what it leaves out has defaults."""

    name: str
    product: Product
    key_source: str
    api_key: SecretStr
    source: str
    channel: str = ""
    thresholds: Thresholds = field(default_factory=dict)
    subaccounts: bool = False
    subaccount_emails: bool = False
    subaccount_thresholds: Thresholds = field(default_factory=dict)
    currency: str = ""


@dataclass(frozen=True)
class Watched:
    """An account to watch, with all that is needed to ask for it."""

    account: Account
    api_key: SecretStr
    api_url: str


@dataclass(frozen=True)
class _Place:
    """Where an account stands: what says so, and its part of the text, if that can be told."""

    source: str
    number: int
    line: int = 0
    text: str = ""

    def of(self, *keys: str) -> str:
        """Say where it stands, or where in it this key does, which may be in a table."""
        if not self.line:
            return f"{self.source}, account {self.number}"
        line = self.line + max(_line_of(self.text, *keys) - 1, 0)
        return f"{self.source}, [[account]] {self.number}, line {line}"


class _Faults:
    """Collects the faults of one account, each with its place; nothing typed is quoted, it may be a key."""

    def __init__(self, place: _Place) -> None:
        self._place = place
        self.lines: list[str] = []

    def add(self, sentence: str, example: str, *keys: str) -> None:
        self.lines.append(f"{self._place.of(*keys)}: {sentence}. Example: {example}")


def read_file(path: str) -> tuple[str, str]:
    """Return the text of the file and the fault that kept it from being read; one of them is empty."""
    example = "Example: ACCOUNTS_FILE=accounts.toml"
    try:
        place = Path(path)
        if place.exists() and not (place.is_file() or place.is_dir()):
            return "", f"ACCOUNTS_FILE: is not a file. {example}"
        if place.stat().st_size > LARGEST:
            return "", f"ACCOUNTS_FILE: is larger than 1 MiB. {example}"
        return place.read_text("utf-8-sig"), ""
    except FileNotFoundError:
        return "", f"ACCOUNTS_FILE: there is no such file. {example}"
    except UnicodeDecodeError:
        return "", f"ACCOUNTS_FILE: is not UTF-8. {example}"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path"
        return "", f"ACCOUNTS_FILE: cannot be read ({reason}). {example}"


def parse(
    text: str, source: str, environment: Mapping[str, str], taken: tuple[str, ...] = ()
) -> tuple[tuple[Listed, ...], tuple[str, ...]]:
    """Return the accounts and the faults; `taken` are the names that the key variables make."""
    try:
        document = tomllib.loads(text, parse_float=Float)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        # The error's own words may quote the text; only its place is told.
        told = re.search(r"line \d+, column \d+", str(error))
        where = f" ({told[0]})" if told else ""
        return (), (f"{source}: is not valid TOML{where}. {_EXAMPLE}",)
    faults = [
        f"{source}{_at(_line_of(text, name))}: {unknown('entry', near(name, _TABLES), _TABLES)}. "
        "Example: [[account]]"
        for name in document
        if name != "account"
    ]
    entries = document.get("account")
    if not isinstance(entries, list) or not entries:
        return (), (*faults, f"{source}: has no [[account]]. {_EXAMPLE}")
    starts = [header.start() for header in _HEADER.finditer(text)]
    names = {name.casefold() for name in taken}
    listed = []
    for number, entry in enumerate(entries, 1):
        place = _Place(source, number)
        if len(starts) == len(entries):
            start, end = (*starts, len(text))[number - 1 : number + 1]
            place = _Place(source, number, text.count("\n", 0, start) + 1, text[start:end])
        one, found = _entry(entry, place, environment, names)
        faults += found
        if one:
            listed.append(one)
    return tuple(listed), tuple(faults)


def _at(line: int) -> str:
    return f", line {line}" if line else ""


def _line_of(text: str, *keys: str) -> int:
    """Return the number of the first line that begins with the last key, each below the one before it.

    For one spelled otherwise, or in an inline table, it is the line of the key before; 0 if there is none.
    """
    line = start = 0
    for key in keys:
        begins = rf"""^[ \t]*(?:\[+[^\]\n]*?)?(?<![\w-])["']?{re.escape(key)}["']?[ \t]*[=.\]]"""
        found = re.compile(begins, re.MULTILINE).search(text, start)
        if found is None:
            break
        line, start = text.count("\n", 0, found.start()) + 1, found.end()
    return line


def _entry(
    entry: object, place: _Place, environment: Mapping[str, str], names: set[str]
) -> tuple[Listed | None, list[str]]:
    faults = _Faults(place)
    if not isinstance(entry, dict):
        faults.add("is not a table", "[[account]]")
        return None, faults.lines
    for key in entry:
        if key == "api_key":
            faults.add("a key must not stand here; name the variable that holds it", _KEY_EXAMPLE)
        elif key not in _KEYS:
            faults.add(unknown("entry", near(key, _KEYS), _KEYS), 'name = "marketing"', key)
    name = _name(entry.get("name"), names, faults)
    product = _product(entry.get("product"), faults)
    key_source, api_key = _key(entry.get("api_key_env"), environment, faults)
    subaccounts = _switch(entry, "subaccounts", faults)
    emails = _switch(entry, "subaccount_emails", faults)
    fields = RULED[product] if product else _EVERY_RULED
    listed = Listed(
        name=name,
        product=product or Product.SMS,
        key_source=key_source,
        api_key=api_key,
        source=place.source,
        channel=_checked(entry, "channel", channel, faults, 'channel = "C0123456789"'),
        thresholds=_thresholds(entry, "thresholds", fields, faults),
        subaccounts=subaccounts,
        subaccount_emails=emails,
        subaccount_thresholds=_thresholds(entry, "subaccount_thresholds", (Field.BALANCE,), faults),
        currency=_checked(entry, "currency", currency, faults, 'currency = "EUR"'),
    )
    _agree_on_subaccounts(entry, product, faults)
    return (None if faults.lines else listed), faults.lines


def _agree_on_subaccounts(entry: Mapping[str, Any], product: Product | None, faults: _Faults) -> None:
    """Add what is said of sub-accounts and cannot be so; a faulty switch has been told by itself."""
    watched = entry.get("subaccounts", False)
    said = [key for key in ("subaccount_thresholds", "subaccount_emails") if entry.get(key)]
    if product is Product.VOICE:
        named = [*(["subaccounts"] if watched is True else []), *said]
        if named:
            faults.add(
                f"Voice Partner lists no sub-accounts: leave out {', '.join(named)}", 'product = "sms"'
            )
    elif watched is False:
        for key in said:
            faults.add(f"{key} needs sub-accounts to be watched", "subaccounts = true")


def _name(value: object, names: set[str], faults: _Faults) -> str:
    example = 'name = "marketing"'
    if value is None:
        faults.add("name is missing", example)
        return ""
    name = normalize("NFC", value) if isinstance(value, str) else ""
    if not 1 <= len(name) <= 40 or not _is_name(name):
        faults.add("name must be 1 to 40 letters, digits or -", example)
        return ""
    if must_be_key(name):
        faults.add("name looks like a key, and is shown to everybody", example)
    elif name.casefold() in _RESERVED:
        faults.add("name is a word that /smscredits understands", example)
    elif name.casefold() in names:
        faults.add("name is taken by another account", example)
    names.add(name.casefold())
    return name


def _is_name(value: str) -> bool:
    """Vowel signs belong to the letters of many alphabets."""
    return all(one.isalnum() or one == "-" or category(one) in {"Mn", "Mc"} for one in value)


def _product(value: object, faults: _Faults) -> Product | None:
    if isinstance(value, str) and value in set(Product):
        return Product(value)
    example = 'product = "sms"'
    if value is None:
        faults.add("product is missing", example)
    elif not isinstance(value, str):
        faults.add(f"product must be one of {', '.join(Product)}", example)
    else:
        faults.add(unknown("product", near(value, tuple(Product)), tuple(Product)), example, "product")
    return None


def _key(value: object, environment: Mapping[str, str], faults: _Faults) -> tuple[str, SecretStr]:
    nothing = "", SecretStr("")
    if value is None:
        faults.add("api_key_env is missing: the variable that holds the key", _KEY_EXAMPLE)
        return nothing
    if (
        not isinstance(value, str)
        or not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", value, re.ASCII)
        or may_be_key(value)
    ):
        # It may be the key itself, so it is not shown.
        faults.add("api_key_env must be the NAME of a variable, in capitals, never the key", _KEY_EXAMPLE)
        return nothing
    found = environment.get(value)
    if not found:
        # What stands here may be a secret in capitals, words and all: the place tells which is meant.
        example = "KEY_MARKETING=0123456789abcdef…"
        faults.add("api_key_env names a variable that is not set", example, "api_key_env")
        return nothing
    try:
        return value, SecretStr(secret(found))
    except PydanticCustomError as fault:
        faults.add(f"{value} {fault.message()}", f"{value}=0123456789abcdef…")
        return nothing


def _switch(entry: Mapping[str, Any], key: str, faults: _Faults) -> bool:
    value = entry.get(key, False)
    if not isinstance(value, bool):
        faults.add(f"{key} must be true or false", f"{key} = true", key)
        return False
    return value


def _checked(
    entry: Mapping[str, Any], key: str, check: Callable[[object], str], faults: _Faults, example: str
) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    try:
        return check(value if isinstance(value, str) else "")
    except PydanticCustomError as fault:
        faults.add(f"{key} {fault.message()}", example, key)
        return ""


def _thresholds(
    entry: Mapping[str, Any], key: str, fields: tuple[Field, ...], faults: _Faults
) -> dict[Field, dict[Level, Decimal]]:
    table = entry.get(key, {})
    example = f"{fields[0]} = {{ warning = 5000, critical = 1000 }}"
    if not isinstance(table, dict):
        faults.add(f"{key} must be a table", f"[account.{key}] and below it {example}", key)
        return {}
    found: dict[Field, dict[Level, Decimal]] = {}
    for name, value in table.items():
        if name not in set(fields):
            # A field of another product's is no slip.
            meant = () if name in set(Field) else near(name, fields)
            faults.add(f"{key}: {unknown('field', meant, fields)}", example, key, name)
        else:
            found[Field(name)] = dict(_limits(value, key, Field(name), faults))
    return found


def _limits(value: object, table: str, name: Field, faults: _Faults) -> Iterator[tuple[Level, Decimal]]:
    what = f"{table}: {name}"
    example = f"{name} = {{ warning = 5000, critical = 1000 }}, or {name} = false"
    if value is False:
        return
    if not isinstance(value, dict) or not value or not set(value) <= set(_LEVELS):
        faults.add(f"{what} must be warning and critical, one of them, or false", example, table, name)
        return
    check = above_zero if name is Field.BALANCE else whole_above_zero
    limits: dict[Level, Decimal] = {}
    for level, number in value.items():
        try:
            limits[_LEVELS[level]] = check("" if isinstance(number, bool | list | dict) else number)
        except PydanticCustomError as fault:
            faults.add(f"{what}: {level} {fault.message()}", example, table, name)
    critical = limits.get(Level.CRITICAL, Decimal(0))
    if limits.get(Level.WARNING, critical) < critical:
        faults.add(f"{what}: critical is above warning, so the warning would come last", example, table, name)
    yield from sorted(limits.items())
