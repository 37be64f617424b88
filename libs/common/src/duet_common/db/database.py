"""A service's database: transactions, and a read-only pool for queries."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import QueuePool

from duet_common.db.queries import PoolUsage, ReadOnlyPool
from duet_common.db.unavailable import is_unavailable
from duet_common.errors import DatabaseUnavailable
from duet_common.settings import ServiceSettings

UNPREPARED: Final[Mapping[str, Any]] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": str,
}
"""SQLAlchemy's arguments for asyncpg that keep no statement prepared beyond its transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseOptions:
    """Sizes are connections, `timeout` is seconds."""

    application_name: str
    pool_size: int
    max_overflow: int
    read_pool_size: int
    pre_ping: bool
    pooler: bool
    echo: bool
    timeout: float

    @classmethod
    def of(cls, settings: ServiceSettings, application_name: str) -> "DatabaseOptions":
        return cls(
            application_name=application_name,
            pool_size=settings.database_pool_size,
            max_overflow=settings.database_max_overflow,
            read_pool_size=settings.database_read_pool_size,
            pre_ping=settings.database_pool_pre_ping,
            pooler=settings.database_pooler,
            echo=settings.database_echo,
            timeout=settings.database_timeout_seconds,
        )


def asyncpg_url(url: str) -> URL:
    """Return `postgresql://…` as SQLAlchemy's URL for asyncpg. Raises `ArgumentError`."""
    return make_url(url).set(drivername="postgresql+asyncpg")


class Database:
    """Two connection pools to one database.

    `transaction()` yields an ORM session that is committed at the end of the block.
    `read_only_pool` runs prepared statements outside of a transaction, on connections that cannot
    write: BEGIN, COMMIT and the unit of work of a session cost more than reading a row by its key
    (docs/adr/0003). Connections are opened on first use, so a service starts while its database
    is down, and reports this at `/readyz`.

    With `pooler` (pgbouncer in transaction mode), each transaction may use another server
    connection. Therefore statements are not kept prepared, settings are set per transaction, and
    each read is a transaction (sqlalchemy#6467, asyncpg#1058).
    """

    def __init__(self, url: str, options: DatabaseOptions) -> None:
        server_settings, begin = _server_settings(options)
        if options.echo:
            # Not `create_async_engine(echo=True)`: that adds a handler which prints to stdout.
            logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)
        parsed = asyncpg_url(url)
        self._max_size = options.pool_size + options.max_overflow
        self._engine = create_async_engine(
            parsed,
            pool_size=options.pool_size,
            max_overflow=options.max_overflow,
            pool_timeout=options.timeout,
            pool_pre_ping=options.pre_ping,
            hide_parameters=True,  # the text of an error is logged and traced
            connect_args={
                "server_settings": server_settings,
                "timeout": options.timeout,
                **(UNPREPARED if options.pooler else {}),
            },
        )
        if begin is not None:
            event.listen(self._engine.sync_engine, "begin", _statement_listener(begin))
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self.read_only_pool = ReadOnlyPool(
            parsed.set(drivername="postgresql").render_as_string(hide_password=False),
            size=options.read_pool_size,
            timeout=options.timeout,
            server_settings=server_settings,
            begin=begin,
            echo=options.echo,
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Yield a session; commit when the block ends, roll back when it raises.

        Raises `DatabaseUnavailable` when the database cannot be reached, refuses the connection
        or takes too long.
        """
        try:
            # Not `begin()`: that would forbid the block to roll back and continue.
            async with self._sessions() as session:
                yield session
                await session.commit()
        except (SQLAlchemyError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if is_unavailable(error):
                raise DatabaseUnavailable from error
            raise

    async def check_connection(self) -> None:
        """Run a trivial statement. Raises if the database cannot be reached."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def schema_revision(self) -> str | None:
        """Return the Alembic revision of the database, or None before the first migration."""
        with suppress(asyncpg.UndefinedTableError):
            return await self.read_only_pool.fetch_value(
                "SELECT version_num FROM alembic_version", str
            )
        return None

    @property
    def pools(self) -> Mapping[str, PoolUsage]:
        """The current use of both pools: `write` and `read`."""
        pool = self._engine.pool
        idle, in_use = (
            (pool.checkedin(), pool.checkedout()) if isinstance(pool, QueuePool) else (0, 0)
        )
        return {"write": PoolUsage(idle, in_use, self._max_size), "read": self.read_only_pool.use}

    async def close(self) -> None:
        await self.read_only_pool.close()
        await self._engine.dispose()


def _server_settings(options: DatabaseOptions) -> tuple[dict[str, str], str | None]:
    """Return the settings of a connection, and the first statement of each transaction or None.

    A pooler refuses settings that it cannot restore when it assigns another server connection.
    Behind a pooler, that first statement sets them for the transaction.
    """
    identity = {"application_name": options.application_name, "timezone": "UTC"}
    millis = str(int(options.timeout * 1000))
    limits = {
        "statement_timeout": millis,
        "lock_timeout": millis,
        "idle_in_transaction_session_timeout": str(int(options.timeout * 10_000)),
        "jit": "off",  # compiling a plan never pays off for single rows
    }
    if not options.pooler:
        return {**identity, **limits}, None
    settings = [f"set_config('{name}', '{value}', true)" for name, value in limits.items()]
    return identity, f"SELECT {', '.join(settings)}"


def _statement_listener(statement: str) -> Callable[[Connection], None]:
    def run(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return run
