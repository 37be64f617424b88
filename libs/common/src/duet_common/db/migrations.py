"""Run a service's Alembic history: one runner at a time, and never on another service's database.

A revision id names its service (`content_0002`). Both services called their first revision `0001`
before; a database that still stores this id belongs to the service whose tables it has.
"""

import asyncio
import logging
import pkgutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import Final, TypeVar

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

T = TypeVar("T")
_PAUSE_SECONDS: Final = 1.0
_LOCK: Final = 0x44554554  # "DUET"; one history per database, so one key is enough
_UNNAMED: Final = "0001"
_NAME_OF_UNNAMED: Final = """
    SELECT CASE
        WHEN to_regclass('signing_keys') IS NOT NULL THEN 'auth_0001'
        WHEN to_regclass('jwks_copies') IS NOT NULL THEN 'content_0001'
        ELSE '0001'
    END
"""


class WrongDatabase(Exception):
    """The schema of the database is not this service's. The message says what to check."""


class Migrations:
    """One service's history, in the folder `migrations` of its package.

    Nothing is read before it is needed: neither the revisions nor the models.
    """

    def __init__(self, service: str, package: str, metadata: MetaData) -> None:
        """`service` is the prefix of the revision ids; `metadata` belongs to the models' base."""
        self.service = service
        self._package = package
        self._metadata = metadata

    @property
    def metadata(self) -> MetaData:
        """The tables of every `<package>.<domain>.models`: a domain needs no registration."""
        path = import_module(self._package).__path__
        for domain in pkgutil.iter_modules(path, f"{self._package}."):
            models = f"{domain.name}.models"
            if domain.ispkg and find_spec(models) is not None:
                import_module(models)
        return self._metadata

    @property
    def head(self) -> str:
        head = self._scripts.get_current_head()
        if head is None:
            raise LookupError(f"{self._package}.migrations has no revision")
        return head

    def revisions(self) -> list[str]:
        """Every revision, from the first to the head."""
        return [script.revision for script in self._scripts.walk_revisions()][::-1]

    async def upgrade(self, url: str, revision: str = "head") -> bool:
        """Migrate a database. Return False if it was at the head or later already.

        Replicas may call this concurrently (rhesis-ai/rhesis#2545): an advisory lock lets one of
        them migrate, and the others find that it is done. The migration is one transaction. A later
        schema is not changed, because a release that was rolled back serves on it. Raises
        `WrongDatabase`, without a change, if another service owns the schema.
        """
        async with _engine(url) as engine:
            async with engine.connect() as connection:
                done = await connection.run_sync(self._is_done)
            if done and revision == "head":
                return False
            async with _locked(engine) as connection:
                done = await connection.run_sync(self._is_done)
                if done and revision == "head":
                    return False
                await connection.run_sync(_name_first_revision)
                await connection.run_sync(self._run, lambda c: command.upgrade(c, revision))
        return True

    async def run(self, url: str, wait: float, *, skip_unknown_host: bool) -> str:
        """Run the `migrate` command, and return a line that says what was done.

        `wait` is the number of seconds to wait for the database. With `skip_unknown_host` it is
        not an error that the host has no address: a later step of the installation creates this
        database. Raises `WrongDatabase`, and TimeoutError as `wait_for` does.
        """
        host = make_url(url).host
        if skip_unknown_host and await _is_unknown(host):
            return f"Nothing to do yet: the host name {host} does not resolve."
        if wait:
            await self.wait_for(url, wait)
        done = await self.upgrade(url)
        return f"Migrated to {self.head}." if done else f"Nothing to do: at {self.head} or later."

    async def wait_for(self, url: str, seconds: float) -> None:
        """Return when the database accepts connections. Raises TimeoutError after `seconds`."""
        last: Exception | None = None
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        async with _engine(url) as engine, engine.connect():
                            return
                    except (OSError, DBAPIError, asyncpg.PostgresError) as error:
                        last = error
                        logger.info("Waiting for the database: %s", error)
                    await asyncio.sleep(_PAUSE_SECONDS)
        except TimeoutError:
            raise TimeoutError(
                f"The database was not available within {seconds:g} s: {last or 'no response'}"
            ) from None

    async def downgrade(self, url: str, revision: str) -> None:
        """Take a database back to an earlier revision. Only tests do this."""
        await self.run_command(url, lambda config: command.downgrade(config, revision))

    async def run_command(self, url: str, run: Callable[[Config], T]) -> T:
        """Run one of Alembic's commands on a database, in one transaction, under the lock."""
        async with _engine(url) as engine, _locked(engine) as connection:
            return await connection.run_sync(self._run, run)

    def _run(self, connection: Connection, run: Callable[[Config], T]) -> T:
        config = self._config()
        config.attributes["connection"] = connection
        return run(config)

    @cached_property
    def _scripts(self) -> ScriptDirectory:
        return ScriptDirectory.from_config(self._config())

    def _config(self) -> Config:
        config = Config()
        config.set_main_option("script_location", f"{self._package}:migrations")
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        return config

    def _is_done(self, connection: Connection) -> bool:
        """Whether `upgrade` has nothing to do. Raises `WrongDatabase`."""
        stored = revision = _stored_revision(connection)
        if stored == _UNNAMED:
            revision = connection.execute(text(_NAME_OF_UNNAMED)).scalar_one()
        if revision is not None and _owner_of(revision) != self.service:
            raise WrongDatabase(
                f"The database {connection.engine.url.database} belongs to "
                f"{_owner_of(revision) or 'another application'} (its revision is {stored}), "
                f"not to {self.service}. Nothing was changed. Check "
                f"{self.service.upper()}_DATABASE_URL."
            )
        return stored == revision and self._serves(revision)

    async def check_schema(self, database: Database) -> str | None:
        """Return None if this code can serve on the database's schema, or why it cannot.

        An unknown revision of this service was made by a newer release. Schema changes expand
        first and contract later, so a release that was rolled back serves on it (evoila/meho#1607).
        A revision that does not name this service belongs to another application.
        """
        revision = await database.schema_revision()
        if revision == _UNNAMED:
            revision = await database.read_only_pool.fetch_value(_NAME_OF_UNNAMED, str)
        if self._serves(revision):
            return None
        return f"the schema is at {revision or 'no revision'}, and this release needs {self.head}"

    def _serves(self, revision: str | None) -> bool:
        if revision is None or _owner_of(revision) != self.service:
            return False
        return revision == self.head or revision not in self.revisions()


async def _is_unknown(host: str | None) -> bool:
    if host is None:  # a Unix socket
        return False
    try:
        await asyncio.get_running_loop().getaddrinfo(host, None)
    except socket.gaierror as error:
        # EAI_AGAIN is not one of them: a resolver that does not answer says nothing about the host.
        return error.errno in {socket.EAI_NONAME, socket.EAI_NODATA}
    return False


@asynccontextmanager
async def _engine(url: str) -> AsyncIterator[AsyncEngine]:
    # Without prepared statements this works behind a pooler too, and their speed is not needed.
    engine = create_async_engine(asyncpg_url(url), poolclass=NullPool, connect_args=UNPREPARED)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def _locked(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Hold an advisory lock so that only one migration runs at a time, in one transaction."""
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        # While a migration waits for a table's lock, later queries on the table wait behind it.
        await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        yield connection


def _owner_of(revision: str) -> str:
    """The service that a revision id names, or an empty string."""
    return revision.rpartition("_")[0]


def _stored_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _name_first_revision(connection: Connection) -> None:
    if _stored_revision(connection) == _UNNAMED:
        name = connection.execute(text(_NAME_OF_UNNAMED)).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = :name"), {"name": name})


def run_environment(metadata: MetaData) -> None:
    """Do what a service's `migrations/env.py` is for; the connection comes from `Migrations`."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()
