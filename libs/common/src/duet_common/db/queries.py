"""Reading without a session: a statement written with the models, compiled once, run by asyncpg.

It is the read-only twin of the request's transaction. The connections have
`default_transaction_read_only=on`, so a statement that writes fails in PostgreSQL.
"""

from __future__ import annotations  # asyncpg is generic in its stubs only

import asyncio
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

from duet_common.errors import DatabaseUnavailable

M = TypeVar("M")


if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
    _Acquired = PoolConnectionProxy[asyncpg.Record]
    _Lease = AbstractAsyncContextManager[_Acquired]
else:
    _Connection = asyncpg.Connection


@dataclass(frozen=True, slots=True)
class PoolUsage:
    """How many connections of a pool are open and unused, how many work, and how many may."""

    idle: int
    in_use: int
    max_size: int


class _ReadConnection(_Connection):
    """A connection whose reset is nothing: outside of a transaction there is nothing to reset."""

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""


class _Translating:
    """Turns the errors that mean "later" into ours; a generator would cost each read 5 µs."""

    _LATER = (
        OSError,  # asyncio's TimeoutError is one
        asyncpg.InterfaceError,
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
        asyncpg.InsufficientResourcesError,
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.InvalidCatalogNameError,
    )

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, self._LATER):
            raise DatabaseUnavailable from error


_TRANSLATING: Final = _Translating()


class ReadOnlyPool:
    """A pool of read-only connections. Every method raises `DatabaseUnavailable` for "later"."""

    def __init__(
        self,
        dsn: str,
        *,
        size: int,
        timeout: float,
        server_settings: dict[str, str],
        begin: str | None = None,
    ) -> None:
        """Behind a pooler each read is a transaction, whose first statement is `begin`."""
        if begin is None:
            server_settings = {**server_settings, "default_transaction_read_only": "on"}
        self._size = size
        self._timeout = timeout
        self._opening = asyncio.Lock()
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._create = lambda: asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=size,
            timeout=timeout,
            command_timeout=timeout,
            connection_class=_ReadConnection,
            server_settings=server_settings,
            statement_cache_size=100 if begin is None else 0,
        )
        self._lease = self._connection if begin is None else self._transactions(begin)

    async def fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        with _TRANSLATING:
            pool = self._pool or await self._open()
            async with self._lease(pool) as connection:
                return await connection.fetch(sql, *arguments)

    async def fetch_row(self, sql: str, *arguments: object) -> asyncpg.Record | None:
        with _TRANSLATING:
            pool = self._pool or await self._open()
            async with self._lease(pool) as connection:
                return await connection.fetchrow(sql, *arguments)

    async def value(self, sql: str, kind: type[M]) -> M | None:
        """The first column of the first row; TypeError if it is not of `kind`."""
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
        # A timer that nobody waits for costs a read 3 %: with a connection free, there is none.
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
    """A SELECT whose rows become `model`; the statement is compiled when the module is loaded.

    Parameters are `bindparam("name")` in the statement and keywords of `one` and `all`. `shape`
    turns a row into what the model validates, where its columns are not the model's fields.
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
        """The row, or None. KeyError if a parameter is missing."""
        row = await pool.fetch_row(self.sql, *self._arguments(parameters))
        return None if row is None else self._model(dict(row))

    async def all(self, pool: ReadOnlyPool, **parameters: object) -> list[M]:
        """Every row, in the statement's order. KeyError if a parameter is missing."""
        rows = await pool.fetch(self.sql, *self._arguments(parameters))
        shape = self._shape
        values = [shape(dict(row)) if shape else dict(row) for row in rows]
        return self._models.validate_python(values)

    async def one_in(self, session: AsyncSession, **parameters: object) -> M | None:
        """The row as a transaction sees it, with what it has not committed yet."""
        row = (await session.execute(self._statement, parameters)).mappings().one_or_none()
        return None if row is None else self._model({**row})

    def _model(self, row: dict[str, object]) -> M:
        return self._adapter.validate_python(self._shape(row) if self._shape else row)

    def _arguments(self, parameters: Mapping[str, object]) -> list[object]:
        literals = self._literals
        return [literals[n] if n in literals else parameters[n] for n in self._names]
