"""A service's database: transactions for writing, a read-only pool for reading."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import QueuePool

from duet_common.db.queries import PoolUsage, ReadOnlyPool
from duet_common.errors import DatabaseUnavailable
from duet_common.settings import ServiceSettings

UNPREPARED: Final[Mapping[str, Any]] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": str,
}
"""SQLAlchemy's arguments for asyncpg with which no statement outlives its transaction: a prepared
one has no name, and the next takes its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseOptions:
    """Sizes are connections, `timeout` is seconds."""

    application_name: str
    pool_size: int
    max_overflow: int
    read_pool_size: int
    pre_ping: bool
    pooler: bool
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
            timeout=settings.database_timeout_seconds,
        )


def asyncpg_url(url: str) -> URL:
    """`postgresql://…` as SQLAlchemy's URL for asyncpg. Raises `ArgumentError` if it is no URL."""
    return make_url(url).set(drivername="postgresql+asyncpg")


class Database:
    """Two pools to one database.

    `transaction()` is the ordinary way: an ORM session, committed at the end of the block.
    `reads` runs prepared statements outside of a transaction, on connections that cannot write:
    a session's BEGIN, COMMIT and unit of work cost more than a row by its key does
    (docs/adr/0003). Connections are opened on first use, so a service starts while its
    database is down, and says so at `/readyz`.

    With `pooler` (pgbouncer in transaction mode) a connection's next transaction may be on another
    connection to the server: statements are not kept prepared, settings are those of a
    transaction, and a read is one, too (sqlalchemy#6467, asyncpg#1058).
    """

    def __init__(self, url: str, options: DatabaseOptions) -> None:
        server_settings, begin = _server_settings(options)
        parsed = asyncpg_url(url)
        self._max_size = options.pool_size + options.max_overflow
        self._engine = create_async_engine(
            parsed,
            pool_size=options.pool_size,
            max_overflow=options.max_overflow,
            pool_timeout=options.timeout,
            pool_pre_ping=options.pre_ping,
            hide_parameters=True,  # an error's text ends in logs and traces
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
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed when the block ends, rolled back when it raises.

        Raises `DatabaseUnavailable` when the database cannot be reached, refuses the connection
        or takes too long.
        """
        try:
            async with self._sessions.begin() as session:
                yield session
        except (DBAPIError, PoolTimeout, OSError, asyncpg.PostgresError) as error:
            if is_unavailable(error):
                raise DatabaseUnavailable from error
            raise

    async def is_reachable(self) -> bool:
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return True

    async def schema_revision(self) -> str | None:
        """The Alembic revision of the database; None before the first migration."""
        with suppress(asyncpg.UndefinedTableError):
            return await self.read_only_pool.value("SELECT version_num FROM alembic_version", str)
        return None

    @property
    def pools(self) -> Mapping[str, PoolUsage]:
        """The state of both pools at this moment: `write` and `read`."""
        pool = self._engine.pool
        idle, in_use = (
            (pool.checkedin(), pool.checkedout()) if isinstance(pool, QueuePool) else (0, 0)
        )
        return {"write": PoolUsage(idle, in_use, self._max_size), "read": self.read_only_pool.use}

    async def close(self) -> None:
        await self.read_only_pool.close()
        await self._engine.dispose()


def _server_settings(options: DatabaseOptions) -> tuple[dict[str, str], str | None]:
    """What the server is told when a connection starts, and what when a transaction begins.

    A pooler refuses at the start what it cannot restore when it changes the server's connection.
    """
    identity = {"application_name": options.application_name, "timezone": "UTC"}
    millis = str(int(options.timeout * 1000))
    limits = {
        "statement_timeout": millis,
        "lock_timeout": millis,
        "idle_in_transaction_session_timeout": str(int(options.timeout * 10_000)),
        "jit": "off",  # plans for single rows are never worth compiling
    }
    if not options.pooler:
        return {**identity, **limits}, None
    settings = [f"set_config('{name}', '{value}', true)" for name, value in limits.items()]
    return identity, f"SELECT {', '.join(settings)}"


def _statement_listener(statement: str) -> Callable[[Connection], None]:
    def run(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return run


def is_unavailable(error: Exception) -> bool:
    """Whether an error means "later, perhaps": no connection, none free, or a timeout."""
    if isinstance(error, PoolTimeout | OSError):
        return True
    cause: BaseException | None = error
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        cause = error.orig.__cause__ if error.orig is not None else None
    return isinstance(
        cause,
        asyncpg.PostgresConnectionError  # class 08
        | asyncpg.OperatorInterventionError  # class 57: shutdown, crash recovery, timeout
        | asyncpg.InsufficientResourcesError  # class 53: too many connections, disk full
        | asyncpg.LockNotAvailableError
        | asyncpg.TransactionRollbackError  # class 40: a deadlock, and one side may try again
        | asyncpg.InvalidAuthorizationSpecificationError  # class 28: the role or its password
        | asyncpg.InvalidCatalogNameError  # the database is not there (yet)
        | asyncpg.InterfaceError
        | OSError,
    )
