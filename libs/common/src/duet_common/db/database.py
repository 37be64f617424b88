"""A service's database: transactions for writing, a read-only pool for reading."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import QueuePool

from duet_common.db.reading import PoolUse, ReadPool
from duet_common.errors import DatabaseUnavailable
from duet_common.settings import ServiceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseOptions:
    """Sizes are connections, `timeout` is seconds."""

    application_name: str
    pool_size: int
    max_overflow: int
    read_pool_size: int
    pre_ping: bool
    timeout: float

    @classmethod
    def of(cls, settings: ServiceSettings, application_name: str) -> "DatabaseOptions":
        return cls(
            application_name=application_name,
            pool_size=settings.database_pool_size,
            max_overflow=settings.database_max_overflow,
            read_pool_size=settings.database_read_pool_size,
            pre_ping=settings.database_pool_pre_ping,
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
    """

    def __init__(self, url: str, options: DatabaseOptions) -> None:
        millis = str(int(options.timeout * 1000))
        server_settings = {
            "application_name": options.application_name,
            "timezone": "UTC",
            "statement_timeout": millis,
            "lock_timeout": millis,
            "idle_in_transaction_session_timeout": str(int(options.timeout * 10_000)),
            "jit": "off",  # plans for single rows are never worth compiling
        }
        parsed = asyncpg_url(url)
        self._most = options.pool_size + options.max_overflow
        self._engine = create_async_engine(
            parsed,
            pool_size=options.pool_size,
            max_overflow=options.max_overflow,
            pool_timeout=options.timeout,
            pool_pre_ping=options.pre_ping,
            hide_parameters=True,  # an error's text ends in logs and traces
            connect_args={"server_settings": server_settings, "timeout": options.timeout},
        )
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self.reads = ReadPool(
            parsed.set(drivername="postgresql").render_as_string(hide_password=False),
            size=options.read_pool_size,
            timeout=options.timeout,
            server_settings={**server_settings, "default_transaction_read_only": "on"},
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
            return await self.reads.value("SELECT version_num FROM alembic_version", str)
        return None

    @property
    def pools(self) -> Mapping[str, PoolUse]:
        """The state of both pools at this moment: `write` and `read`."""
        pool = self._engine.pool
        idle, in_use = (
            (pool.checkedin(), pool.checkedout()) if isinstance(pool, QueuePool) else (0, 0)
        )
        return {"write": PoolUse(idle, in_use, self._most), "read": self.reads.use}

    async def close(self) -> None:
        await self.reads.close()
        await self._engine.dispose()


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
