"""Queries without a session: statements written with the models, compiled once, run by asyncpg.

The connections have `default_transaction_read_only=on`, so a statement that writes fails.
"""

from __future__ import annotations  # asyncpg is generic only in its stubs

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from pydantic import TypeAdapter
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.db.unavailable import UNAVAILABLE_ERRORS
from duet_common.errors import DatabaseUnavailable

logger = logging.getLogger("sqlalchemy.engine.ReadOnlyPool")  # DATABASE_ECHO sets its level

M = TypeVar("M")


if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
    _Acquired = PoolConnectionProxy[asyncpg.Record]
    _Lease = AbstractAsyncContextManager[_Acquired]
else:
    _Connection = asyncpg.Connection


@dataclass(frozen=True, slots=True)
class PoolUsage:
    """Numbers of connections: open and unused, open and in use, and the maximum of the pool."""

    idle: int
    in_use: int
    max_size: int


class _UnresetConnection(_Connection):
    """A connection that is not reset on release: outside of a transaction, no state remains."""

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""


class _UnavailableErrors:
    """Raises `DatabaseUnavailable` from a temporary error. A generator would cost a read 5 µs."""

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, UNAVAILABLE_ERRORS):
            raise DatabaseUnavailable from error


_UNAVAILABLE_ERRORS: Final = _UnavailableErrors()


class ReadOnlyPool:
    """A pool of read-only connections. Every query may raise `DatabaseUnavailable`."""

    def __init__(
        self,
        dsn: str,
        *,
        size: int,
        timeout: float,
        server_settings: dict[str, str],
        begin: str | None = None,
        echo: bool = False,
    ) -> None:
        """With `begin` (behind a pooler), each query is a transaction that starts with it."""
        if begin is None:
            server_settings = {**server_settings, "default_transaction_read_only": "on"}
        self._size = size
        self._timeout = timeout
        self._echo = echo
        self._opening = asyncio.Lock()
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._create = lambda: asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=size,
            timeout=timeout,
            command_timeout=timeout,
            connection_class=_UnresetConnection,
            server_settings=server_settings,
            statement_cache_size=100 if begin is None else 0,
        )
        self._lease = self._connection if begin is None else self._transactions(begin)

    async def fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        if self._echo:
            logger.info("%s", sql)
        with _UNAVAILABLE_ERRORS:
            pool = self._pool or await self._open()
            async with self._lease(pool) as connection:
                return await connection.fetch(sql, *arguments)

    async def fetch_row(self, sql: str, *arguments: object) -> asyncpg.Record | None:
        if self._echo:
            logger.info("%s", sql)
        with _UNAVAILABLE_ERRORS:
            pool = self._pool or await self._open()
            async with self._lease(pool) as connection:
                return await connection.fetchrow(sql, *arguments)

    async def fetch_value(self, sql: str, kind: type[M]) -> M | None:
        """Return the first column of the first row, or None without a row.

        Raises TypeError if the value is not of `kind`.
        """
        row = await self.fetch_row(sql)
        if row is None:
            return None
        if not isinstance(row[0], kind):
            raise TypeError(f"{type(row[0]).__name__} is not {kind.__name__}")
        return row[0]

    @property
    def use(self) -> PoolUsage:
        if self._pool is None:
            return PoolUsage(idle=0, in_use=0, max_size=self._size)
        idle = self._pool.get_idle_size()
        return PoolUsage(idle=idle, in_use=self._pool.get_size() - idle, max_size=self._size)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()

    def _connection(self, pool: asyncpg.Pool[asyncpg.Record]) -> _Lease:
        # A timer costs a read 3 %, and is not needed while a connection is free.
        return pool.acquire(timeout=None if pool.get_idle_size() else self._timeout)

    def _transactions(self, begin: str) -> Callable[[asyncpg.Pool[asyncpg.Record]], _Lease]:
        @asynccontextmanager
        async def transaction(pool: asyncpg.Pool[asyncpg.Record]) -> AsyncIterator[_Acquired]:
            async with self._connection(pool) as connection, connection.transaction(readonly=True):
                await connection.execute(begin)
                yield connection

        return transaction

    async def _open(self) -> asyncpg.Pool[asyncpg.Record]:
        async with self._opening:
            if self._pool is None:
                self._pool = await self._create()  # type: ignore[no-untyped-call]  # asyncpg-stubs
            return self._pool


class Query(Generic[M]):
    """A SELECT statement, compiled once, whose rows are validated into `model`.

    Parameters are `bindparam("name")` in the statement and keyword arguments of the methods.
    `shape` converts a row into the model's input where the columns are not the model's fields.
    """

    def __init__(
        self,
        statement: Select[*tuple[object, ...]],
        model: type[M],
        shape: Callable[[dict[str, object]], object] | None = None,
    ) -> None:
        compiled = statement.compile(dialect=asyncpg_dialect())  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy
        self.sql = str(compiled)
        self._statement = statement
        self._names = tuple(compiled.positiontup or ())
        self._literals = {k: v for k, v in compiled.params.items() if v is not None}
        self._adapter: TypeAdapter[M] = TypeAdapter(model)
        self._models: TypeAdapter[list[M]] = TypeAdapter(list[model])  # type: ignore[valid-type]  # a value
        self._shape = shape

    async def one(self, pool: ReadOnlyPool, **parameters: object) -> M | None:
        """Return the row, or None. Raises KeyError if a parameter is missing."""
        row = await pool.fetch_row(self.sql, *self._arguments(parameters))
        return None if row is None else self._model(dict(row))

    async def all(self, pool: ReadOnlyPool, **parameters: object) -> list[M]:
        """Return every row, in the statement's order. Raises KeyError if a parameter is missing."""
        rows = await pool.fetch(self.sql, *self._arguments(parameters))
        shape = self._shape
        values = [shape(dict(row)) if shape else dict(row) for row in rows]
        return self._models.validate_python(values)

    async def one_in(self, session: AsyncSession, **parameters: object) -> M | None:
        """Return the row as a transaction sees it, with its own uncommitted changes, or None."""
        row = (await session.execute(self._statement, parameters)).mappings().one_or_none()
        return None if row is None else self._model({**row})

    def _model(self, row: dict[str, object]) -> M:
        return self._adapter.validate_python(self._shape(row) if self._shape else row)

    def _arguments(self, parameters: Mapping[str, object]) -> list[object]:
        literals = self._literals
        return [literals[n] if n in literals else parameters[n] for n in self._names]
