"""`check`: one reading of each account, its report and its exit code."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import normalize

from bot.clock import SystemClock
from bot.settings import FaultySettings, Watched, for_reading, slips
from bot.shell import NOT_CHECKED, accounts, wording
from bot.shell.reading import readings, session


@dataclass(frozen=True)
class Report:
    """What is printed, faults and warnings on standard error, a line each; and the exit code."""

    exit_code: int
    text: str = ""
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


async def check(name: str | None, *, as_json: bool) -> Report:
    """Read every account, or the one named, as the environment has it."""
    try:
        chosen = for_reading()
    except FaultySettings as error:
        return _not_checked(error.faults, as_json=as_json)
    settings, warnings = chosen.settings, slips(chosen.environment, chosen.settings)
    watched = settings.watched if name is None else _named(name, settings.watched)
    if not watched:
        names = ", ".join(one.account.name for one in settings.watched)
        fault = wording.NO_SUCH_ACCOUNT.format(name=wording.printable(name or ""), names=names)
        return _not_checked((fault,), as_json=as_json)
    async with session() as opened:
        checked = await asyncio.gather(*readings(watched, opened, SystemClock()))
    words = wording.words_of(settings)
    machines, people = accounts.for_machines, accounts.for_people
    text = machines(checked, words, warnings) if as_json else people(checked, words)
    return Report(accounts.exit_code(checked), text, warnings=warnings)


def own_fault(error: Exception) -> str:
    """Say that this program is at fault; the error's own words may hold what nobody may see."""
    return wording.OWN_FAULT.format(command="check", kind=type(error).__name__)


def _named(name: str, watched: Sequence[Watched]) -> tuple[Watched, ...]:
    """Names are unique without regard to case."""
    wanted = normalize("NFC", name.strip()).casefold()
    return tuple(one for one in watched if one.account.name.casefold() == wanted)


def _not_checked(faults: Sequence[str], *, as_json: bool) -> Report:
    return Report(NOT_CHECKED, accounts.nothing_read(faults) if as_json else "", tuple(faults))
