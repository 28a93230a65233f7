"""What the doctor finds in the database: whether the bot can work with it, and what it last told."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from bot.core.notice import Undelivered
from bot.ports import Clock, StoreAway
from bot.settings import Settings, on_sqlite
from bot.shell import wording
from bot.shell.finding import Finding, Topic, ok, problem, skipped, warning
from bot.slack.web_api import MENDED_BY_PEOPLE
from bot.store import Checkup, Database, checkup, missing_file
from bot.store.decoding import BrokenRow
from bot.store.ownership import NEWEST
from bot.text import Words


async def database(
    settings: Settings, words: Words, clock: Clock, channels: Sequence[str]
) -> tuple[tuple[Finding, ...], Mapping[str, str]]:
    """Look at the database, at what the bot has told according to it, and in which units it read money."""
    url = settings.database_url.get_secret_value()
    if path := missing_file(url):
        return (_to_be_made(path), skipped(Topic.LAST_POST, wording.NO_TABLES)), {}
    kind = wording.SQLITE if on_sqlite(settings) else wording.POSTGRESQL
    try:
        async with AsyncExitStack() as stack:
            opened = Database(url)
            stack.push_async_callback(opened.close)
            found = await checkup(opened)
    except StoreAway as error:
        said = wording.DATABASE_AWAY.format(kind=kind, reason=words.database_cause(error))
        away = skipped(Topic.LAST_POST, wording.DATABASE_IS_AWAY)
        return (problem(Topic.DATABASE, said, words.database_mend(error)), away), {}
    told = (
        _version(found, kind),
        *_trial(found),
        *map(_unreadable, found.broken),
        *_told(found, words, clock, channels),
    )
    return told, found.units


def _to_be_made(path: Path) -> Finding:
    """The bot makes the file; its folder must be there, and take it."""
    if not path.parent.is_dir():
        return problem(Topic.DATABASE, wording.NO_FOLDER.format(folder=path.parent), wording.CHECK_FILE)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return problem(Topic.DATABASE, wording.CLOSED_FOLDER.format(folder=path.parent), wording.CHECK_FILE)
    return ok(Topic.DATABASE, wording.FILE_WILL_BE_MADE.format(path=path))


def _version(found: Checkup, kind: str) -> Finding:
    if not found.version:
        return ok(Topic.DATABASE, wording.NO_TABLES_YET.format(kind=kind))
    if found.version > NEWEST:
        said = wording.NEWER.format(kind=kind, version=found.version, known=NEWEST)
        return warning(Topic.DATABASE, said, wording.DEPLOY_NEWER)
    template = wording.DATABASE_FINE if found.version == NEWEST else wording.OLDER
    return ok(Topic.DATABASE, template.format(kind=kind, version=found.version))


def _trial(found: Checkup) -> tuple[Finding, ...]:
    return (warning(Topic.DATABASE, wording.TRIAL_TABLES, wording.DROP_TRIAL_TABLES),) if found.trial else ()


def _unreadable(row: BrokenRow) -> Finding:
    said = wording.ROW_UNREADABLE.format(row=row.key, table=row.table, column=row.column)
    return warning(Topic.DATABASE, said, wording.DELETE_ROW)


def _told(found: Checkup, words: Words, clock: Clock, channels: Sequence[str]) -> tuple[Finding, ...]:
    """Tell the last word that reached a channel, and every channel that waits for one."""
    if not found.version:
        return (skipped(Topic.LAST_POST, wording.NO_TABLES),)
    last = ""
    if found.last_post:
        ago = words.figures.duration(max(clock.now() - found.last_post.at, wording.NO_TIME))
        last = wording.LAST_POST.format(channel=found.last_post.channel, ago=ago)
    waiting = tuple(_waits(one, words, clock, channels) for one in found.waiting)
    if waiting and not last:
        return waiting
    return (ok(Topic.LAST_POST, last or wording.NOTHING_POSTED), *waiting)


def _waits(one: Undelivered, words: Words, clock: Clock, channels: Sequence[str]) -> Finding:
    """A refusal that only people can mend keeps the bot from working; all others pass."""
    ago = words.figures.duration(max(clock.now() - one.since, wording.NO_TIME))
    if not one.error:
        return warning(
            Topic.LAST_POST, wording.WAITS_UNTRIED.format(ago=ago), wording.IS_IT_RUNNING, one.channel
        )
    why, mend = wording.slack_error(one.error, words)
    found = problem if one.error in MENDED_BY_PEOPLE and one.channel in channels else warning
    return found(Topic.LAST_POST, wording.WAITS.format(ago=ago, why=why), mend, one.channel)
