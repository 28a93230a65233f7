"""`doctor`: everything that the bot needs is looked at, all at the same time, each within its own."""

import asyncio
import json
from collections.abc import Awaitable, Mapping, Sequence

import aiohttp

from bot.core.reading import Cause, Failure
from bot.ports import Clock
from bot.service.cancelling import cancel
from bot.settings import Partial
from bot.shell import configured, wording
from bot.shell.finding import Finding, Topic, Verdict, ok, problem, skipped
from bot.shell.printing import Cell, Tone, table
from bot.shell.reading import Checked, held_against, readings, session
from bot.shell.slack import slack, socket_mode
from bot.shell.stored import database
from bot.text import Words

Units = asyncio.Future[Mapping[str, str]]
"""In which unit of money the bot last read each account, once the database was looked at."""

LONGEST = 25.0
"""Seconds for each part: whatever it asks fails by itself before that, in all but the oddest cases."""

_TONES = {
    Verdict.OK: Tone.GOOD,
    Verdict.WARNING: Tone.WARNING,
    Verdict.PROBLEM: Tone.BAD,
    Verdict.SKIPPED: Tone.QUIET,
}


async def examine(
    read: Partial, clock: Clock, *, post: bool = False, longest: float = LONGEST
) -> tuple[Finding, ...]:
    """Look at everything that these settings name, at most so many seconds."""
    words = wording.words_of(read.settings)
    channels = _channels(read)
    units: Units = asyncio.get_running_loop().create_future()
    async with session() as opened:
        parts = (
            _within(longest, Topic.DATABASE, _database(read, words, clock, channels, units)),
            _within(None, Topic.ACCOUNT, _accounts(read, opened, words, clock, longest, units)),
            _within(longest, Topic.SLACK_TOKEN, slack(read, opened, words, clock, channels, post=post)),
            _within(longest, Topic.SOCKET_MODE, socket_mode(read, opened, words)),
        )
        from_outside = await asyncio.gather(*parts)
    return (
        *configured.settings(read),
        *configured.host(read),
        *configured.thresholds(read, words),
        *(finding for part in from_outside for finding in part),
        *configured.signing_secret(read),
    )


def exit_code(found: Sequence[Finding]) -> int:
    """Return 0 if the bot would work, else 1."""
    return int(any(one.verdict is Verdict.PROBLEM for one in found))


def for_people(found: Sequence[Finding], *, post: bool) -> str:
    """Show a line for each finding, and a last one with the sum."""
    rows = [
        [
            Cell(one.verdict, _TONES[one.verdict]),
            Cell(_named(one)),
            Cell(wording.with_mend(one.said, one.mend)),
        ]
        for one in found
    ]
    problems = sum(one.verdict is Verdict.PROBLEM for one in found)
    warnings = sum(one.verdict is Verdict.WARNING for one in found)
    result = wording.WOULD_WORK_WITH_WARNINGS if warnings else wording.WOULD_WORK
    if problems:
        result = wording.WOULD_NOT_WORK
    last = result.format(
        problems=wording.counted(problems, "problem"), warnings=wording.counted(warnings, "warning")
    )
    hint = () if post else (wording.TRY_POST,)
    return "\n".join([*table(rows), "", last, *hint])


def for_machines(found: Sequence[Finding]) -> str:
    """Show the same as JSON."""
    shown = [
        {
            "check": one.topic.value,
            "subject": one.subject,
            "verdict": one.verdict.value,
            "said": wording.printable(one.said),
            "mend": wording.printable(one.mend),
        }
        for one in found
    ]
    code = exit_code(found)
    return json.dumps(
        {"exit_code": code, "would_work": code == 0, "findings": shown}, ensure_ascii=False, indent=2
    )


def _named(one: Finding) -> str:
    name = wording.TOPICS[one.topic]
    return f"{name} {one.subject}" if one.subject else name


async def _within(
    seconds: float | None, topic: Topic, part: Awaitable[tuple[Finding, ...]]
) -> tuple[Finding, ...]:
    """Wait for one part; whatever becomes of it, the others are told."""
    try:
        async with asyncio.timeout(seconds):
            return await part
    except TimeoutError:
        return (problem(topic, wording.TOO_SLOW.format(seconds=int(seconds or 0))),)
    except Exception as error:  # noqa: BLE001 - the last stop: its words may hold what nobody may see
        said = wording.OWN_FAULT.format(command="doctor", kind=type(error).__name__)
        return (problem(topic, *wording.halves(said, ". ")),)


async def _database(
    read: Partial, words: Words, clock: Clock, channels: Sequence[str], units: Units
) -> tuple[Finding, ...]:
    known: Mapping[str, str] = {}
    try:
        if "database_url" in read.left_out:
            reason = wording.FAULTY_SETTING.format(name="DATABASE_URL")
            return skipped(Topic.DATABASE, reason), skipped(Topic.LAST_POST, reason)
        found, known = await database(read.settings, words, clock, channels)
        return found
    finally:
        units.set_result(known)


async def _accounts(
    read: Partial,
    opened: aiohttp.ClientSession,
    words: Words,
    clock: Clock,
    longest: float,
    units: Units,
) -> tuple[Finding, ...]:
    """Read every account once; those that come to no result in time must not hide the others."""
    watched = [
        one for one in read.settings.watched if f"{one.account.product}partner_api_url" not in read.left_out
    ]
    if not watched:
        return (skipped(Topic.ACCOUNT, wording.NO_ACCOUNT),)
    reading = [asyncio.create_task(one) for one in readings(watched, opened, clock, once=True)]
    await asyncio.wait(reading, timeout=longest)
    checked = [
        task.result() if task.done() else Checked(one.account, clock.now(), failure=Failure(Cause.TIMEOUT))
        for one, task in zip(watched, reading, strict=True)
    ]
    await cancel(reading)
    known = await units
    return tuple(_account(held_against(one, known.get(one.account.name, "")), words) for one in checked)


def _account(one: Checked, words: Words) -> Finding:
    name, failed = one.account.name, one.failure
    if failed:
        said = wording.cause(failed, one.account, words)
        return problem(Topic.ACCOUNT, said, wording.mend(failed, one.account, words), name)
    figures = wording.plain(words.main_figures(one.credits)) if one.credits else ""
    return ok(Topic.ACCOUNT, wording.READ.format(figures=figures), subject=name)


def _channels(read: Partial) -> tuple[str, ...]:
    """Return every channel that is told something; without an account it is the one of the setting."""
    of_accounts = [one.account.channel for one in read.settings.watched] or [read.settings.alert_channel]
    return tuple(dict.fromkeys(channel for channel in of_accounts if channel))
