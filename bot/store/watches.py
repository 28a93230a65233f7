"""What is remembered of each account, changed in one transaction by compare-and-swap."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select

from bot.core.notice import Notice, Step
from bot.core.unusable import Unusable
from bot.core.watch import Episode, Watch
from bot.ports import Decide, StoreAway
from bot.store import schema
from bot.store.database import Database
from bot.store.decoding import BrokenRow, say
from bot.store.lease import SqlLease
from bot.store.rows import LostRace, episode_from, insert_new, load, load_watch, notice_row, write

_TRIES = 5

_OPEN = select(schema.episode.c.account).where(schema.episode.c.ended_at.is_(None)).distinct()
_FAILING = select(schema.account.c.name).where(schema.account.c.failures > 0)
_TO_RECALL = _OPEN.where(schema.episode.c.remind_at <= bindparam("now"))
_EPISODE = select(schema.episode).where(schema.episode.c.id == bindparam("identity"))
_GREETED = select(schema.notice.c.id).where(schema.notice.c.once == bindparam("greeting"))


class SqlWatches:
    """The state of accounts, in SQL; `decided` is told of each step that was written."""

    def __init__(
        self, database: Database, lease: SqlLease, decided: Callable[[Step], None] = lambda _: None
    ) -> None:
        self._database = database
        self._lease = lease
        self._decided = decided

    async def change(self, account: str, decide: Decide, *, leading: bool = True) -> Step:
        """Load, decide and write in one transaction; decides anew if another writer came first."""
        (step,) = await self._change({account: decide}, leading=leading)
        if isinstance(step, Exception):
            raise step
        return step

    async def change_many(self, decisions: Mapping[str, Decide]) -> tuple[Step | Exception, ...]:
        """The same for many accounts in one transaction; what one decision raises stops no other."""
        return await self._change(decisions, leading=True)

    async def _change(
        self, decisions: Mapping[str, Decide], *, leading: bool
    ) -> tuple[Step | Exception, ...]:
        for _ in range(_TRIES):
            try:
                async with self._database.transaction() as connection:
                    if leading:
                        await self._lease.fence(connection)
                    known = await load(connection, tuple(decisions))
                    decided = {
                        name: _decided(decide, known[name].watch) for name, decide in decisions.items()
                    }
                    steps = {name: step for name, step in decided.items() if isinstance(step, Step)}
                    await write(connection, known, steps)
            except LostRace:
                continue
            for step in steps.values():
                self._decided(step)
            return tuple(decided.values())
        raise StoreAway(Unusable.CONTENDED)

    async def watch(self, account: str) -> Watch:
        """Return what is known of the account."""
        async with self._database.transaction() as connection:
            return await load_watch(connection, account)

    async def known(self, accounts: Sequence[str]) -> Mapping[str, Watch]:
        """Return what is known of each of these accounts."""
        async with self._database.transaction() as connection:
            known = await load(connection, accounts)
            return {name: one.watch for name, one in known.items()}

    async def to_recall(self, now: datetime) -> tuple[str, ...]:
        """Return the accounts with an open episode whose next word is due."""
        async with self._database.transaction() as connection:
            rows = await connection.execute(_TO_RECALL, {"now": now})
            return tuple(row.account for row in rows)

    async def episode(self, identity: str) -> Episode | None:
        """Return the episode with this id, open or ended."""
        async with self._database.transaction() as connection:
            rows = await connection.execute(_EPISODE, {"identity": identity})
            row = rows.mappings().first()
            try:
                return episode_from(row) if row else None
            except BrokenRow as broken:
                say(connection, broken)
                return None

    async def open(self) -> Mapping[str, Watch]:
        """Return every account with an open episode, configured or not."""
        async with self._database.transaction() as connection:
            rows = await connection.execute(_OPEN)
            known = await load(connection, [row.account for row in rows])
            return {name: one.watch for name, one in known.items()}

    async def failing(self) -> Mapping[str, Watch]:
        """Return every account that could not be read when it was last polled, configured or not."""
        async with self._database.transaction() as connection:
            rows = await connection.execute(_FAILING)
            known = await load(connection, [row.name for row in rows])
            return {name: one.watch for name, one in known.items()}

    async def greet(self, notice: Notice) -> bool:
        """Write the greeting of a channel down, once for ever; tell whether it was new."""
        once = f"{notice.kind}:{notice.channel}"
        try:
            async with self._database.transaction() as connection:
                known = await connection.scalar(_GREETED, {"greeting": once})
                if known is None:
                    await insert_new(connection, schema.notice, {**notice_row(notice), "once": once})
                return known is None
        except LostRace:
            return False


def _decided(decide: Decide, watch: Watch) -> Step | Exception:
    try:
        return decide(watch)
    except Exception as fault:  # noqa: BLE001 - handed to whoever asked; the others are judged all the same
        return fault
