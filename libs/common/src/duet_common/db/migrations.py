"""Running a service's Alembic history: one runner at a time, and nothing to do at its head."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from duet_common.db.database import UNPREPARED, Database, asyncpg_url

logger = logging.getLogger(__name__)

_Command = Callable[[Config], None]
_PAUSE_SECONDS: Final = 1.0
_LOCK: Final = 0x44554554  # "DUET"; one history a database, so one key is enough


class Migrations:
    """One service's history, found by the `alembic.ini` beside its package."""

    def __init__(self, ini: Path) -> None:
        self._ini = ini
        self._scripts = ScriptDirectory.from_config(self._config())

    @property
    def head(self) -> str:
        head = self._scripts.get_current_head()
        if head is None:
            raise LookupError(f"{self._ini} has no revision")
        return head

    def revisions(self) -> list[str]:
        """Every revision, from the first to the head."""
        return [script.revision for script in self._scripts.walk_revisions()][::-1]

    async def upgrade(self, url: str, revision: str = "head") -> bool:
        """Bring a database to a revision; False if it was at the head or later already.

        Replicas may call this at once (rhesis-ai/rhesis#2545): an advisory lock lets one run and
        the others find the work done. All of it is one transaction: it happens whole or not at all.
        A later schema is left alone: a release that was rolled back serves on it.
        """
        to_head = revision == "head"
        async with _engine(url) as engine:
            if to_head:
                async with engine.connect() as connection:
                    if await connection.run_sync(self._is_done):
                        return False
            async with _locked(engine) as connection:
                if to_head and await connection.run_sync(self._is_done):
                    return False
                await connection.run_sync(self._run, lambda c: command.upgrade(c, revision))
        return True

    async def run(self, url: str, wait: float, *, skip_unknown_host: bool) -> str:
        """What `migrate` does, and what it did, in words. TimeoutError: see `wait_for`.

        A host that has no address is that of a database which is still to be made, by what comes
        after: with `skip_unknown_host` that is no failure.
        """
        host = make_url(url).host
        if skip_unknown_host and await _is_unknown(host):
            return f"nothing to do yet: {host} has no address"
        if wait:
            await self.wait_for(url, wait)
        done = await self.upgrade(url)
        return f"{'migrated to' if done else 'nothing to do: at or after'} {self.head}"

    async def wait_for(self, url: str, seconds: float) -> None:
        """Return when the database takes connections. TimeoutError when it does not in time."""
        last: Exception | None = None
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        async with _engine(url) as engine, engine.connect():
                            return
                    except (OSError, DBAPIError, asyncpg.PostgresError) as error:
                        last = error
                        logger.info("waiting for the database: %s", error)
                    await asyncio.sleep(_PAUSE_SECONDS)
        except TimeoutError:
            raise TimeoutError(f"no database within {seconds:g} s: {last or 'no answer'}") from None

    async def downgrade(self, url: str, revision: str) -> None:
        """Take a database back, as tests do."""
        async with _engine(url) as engine, _locked(engine) as connection:
            await connection.run_sync(self._run, lambda c: command.downgrade(c, revision))

    def _run(self, connection: Connection, run: _Command) -> None:
        config = self._config()
        config.attributes["connection"] = connection
        run(config)

    def _is_done(self, connection: Connection) -> bool:
        return self._serves(MigrationContext.configure(connection).get_current_revision())

    def _config(self) -> Config:
        return Config(self._ini)

    async def is_at_head_or_later(self, database: Database) -> bool:
        """Whether this code can serve on the database's schema.

        A revision that this code does not know was made by a newer release; schema changes are
        expand, then contract, so a rolled back release serves on it (evoila/meho#1607).
        """
        return self._serves(await database.schema_revision())

    def _serves(self, current: str | None) -> bool:
        return current is not None and (current == self.head or current not in self.revisions())


async def _is_unknown(host: str | None) -> bool:
    if host is None:  # a Unix socket
        return False
    try:
        await asyncio.get_running_loop().getaddrinfo(host, None)
    except socket.gaierror as error:
        # Not EAI_AGAIN: a resolver that does not answer says nothing about the host.
        return error.errno in {socket.EAI_NONAME, socket.EAI_NODATA}
    return False


@asynccontextmanager
async def _engine(url: str) -> AsyncIterator[AsyncEngine]:
    # A pooler may be between; nothing here is in such a hurry that it would have to be told.
    engine = create_async_engine(asyncpg_url(url), poolclass=NullPool, connect_args=UNPREPARED)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def _locked(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that no other runner's goes beside."""
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        # A migration that waits for a lock makes every query behind it wait.
        await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        yield connection


def run_environment(metadata: MetaData) -> None:
    """The body of a service's `migrations/env.py`; the connection comes from `Migrations`."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
