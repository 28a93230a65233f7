"""Kill the bot at every place, count what a person saw in Slack: `python -m tests.crash 10000`."""

import asyncio
import gc
import json
import os
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from time import monotonic

import click

from bot.store import Database
from tests.crash.fuse import FusedDatabase
from tests.crash.process import rehearsed
from tests.crash.run import Fault, Run, Seen
from tests.crash.tables import FileTables, ServerTables, Tables
from tests.store.server import MEMORY, database_of, postgresql_server

NEVER = ("lost", "unmarked", "verdicts", "backward", "uncalled", "wrong", "unasked")
COLUMNS = ("runs", "kills", "raised", "frozen", "posts", "reminders", "marked", *NEVER)
COPIES = (1, 2, 3, 4, 5)


@click.command()
@click.argument("runs", type=int, default=10_000)
@click.option("--seed", type=int, default=1, help="The first run's seed; the others count up.")
@click.option("--jobs", type=int, default=4, help="How many runs at a time.")
def main(runs: int, seed: int, jobs: int) -> None:
    """Play so many runs and print the table; exit 1 if a word was lost or repeated without its mark."""
    started = monotonic()
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None))
        )
        server = stack.enter_context(postgresql_server())
        template = folder / "template.db"
        asyncio.run(_migrate(template))
        workers = [
            _worker(
                range(seed + job, seed + runs, jobs),
                FileTables(template, folder / f"{job}.db"),
                stack.enter_context(database_of(server)),
            )
            for job in range(jobs)
        ]
        # All at once: a worker whose pipe is full waits.
        with ThreadPoolExecutor(jobs) as readers:
            seen = [one for found in readers.map(_read, workers) for one in found]
    seconds = monotonic() - started
    click.echo(table(seen))
    click.echo(f"{len(seen)} runs in {seconds:.0f} s: {len(seen) / seconds:.1f} a second")
    faulty = [one for one in seen if one.broken or not _right(one)]
    for one in faulty[:20]:
        click.echo(f"seed {one.seed}: {one}")
    sys.exit(1 if len(seen) < runs or any(one.broken or not _allowed(one) for one in seen) else 0)


def table(seen: list[Seen]) -> str:
    """Return one line for each fault and number of copies."""
    sums: dict[tuple[str, int], Counter[str]] = {}
    for one in seen:
        line = sums.setdefault((one.fault.value, one.copies), Counter(runs=0))
        line.update(runs=1, **{name: getattr(one, name) for name in COLUMNS[1:]})
    lines = ["fault           copies " + "".join(f"{name:>10}" for name in COLUMNS)]
    for (fault, copies), line in sorted(sums.items()):
        lines.append(f"{fault:<16}{copies:>6} " + "".join(f"{line[name]:>10}" for name in COLUMNS))
    return "\n".join(lines)


def _right(one: Seen) -> bool:
    return not _faults(one)


def _faults(one: Seen) -> int:
    return sum(getattr(one, name) for name in NEVER)


def _allowed(one: Seen) -> bool:
    """Nobody can know that a process frozen between check and send will still send."""
    return _right(one) or (one.fault is Fault.FREEZE and one.unmarked == _faults(one))


def _worker(seeds: range, file: Tables, server: str) -> int:
    """Play these runs in a process of its own; return where to read what they came to."""
    ours, theirs = os.pipe()
    if os.fork():
        os.close(theirs)
        return ours
    try:
        databases = [_ready(tables) for tables in (file, ServerTables(server))]
        gc.freeze()  # what is there by now stays shared with the processes to come
        faults = tuple(Fault)
        with os.fdopen(theirs, "w") as out:
            for seed in seeds:
                copies = COPIES[seed % len(COPIES)]
                fault = faults[seed // len(COPIES) % len(faults)]
                # SQLite is for one process.
                on_file = copies == 1 and seed // (len(COPIES) * len(faults)) % 2 == 0
                try:
                    seen = Run(seed, copies, fault, *databases[0 if on_file else 1]).play()
                except Exception as unexpected:  # noqa: BLE001 - told with the run's seed; the others go on
                    seen = Seen(copies, fault, seed, broken=[repr(unexpected)])
                out.write(json.dumps(asdict(seen)) + "\n")
                out.flush()
    finally:
        os._exit(0)


def _ready(tables: Tables) -> tuple[Tables, FusedDatabase]:
    tables.clear()
    return tables, rehearsed(tables.url)


def _read(worker: int) -> list[Seen]:
    with os.fdopen(worker) as lines:
        found = [json.loads(line) for line in lines]
    return [Seen(**{**one, "fault": Fault(one["fault"])}) for one in found]


async def _migrate(path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.migrate()
    await database.close()


if __name__ == "__main__":
    main()
