"""The request's boundary: one transaction a request, committed before the answer."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.db.queries import ReadOnlyPool
from duet_common.web.runtime import Runtime, runtime_of


async def open_transaction(request: Request) -> AsyncIterator[AsyncSession]:
    """Commits when the endpoint has returned, before the answer is sent; rolls back on an error.

    Since FastAPI 0.118 a dependency with `yield` ends after the response by default, and a client
    could read what is not committed yet (fastapi/fastapi#3620); hence `scope="function"`.
    """
    async with runtime_of(request, Runtime).database.transaction() as session:
        yield session


WriteSessionDep = Annotated[AsyncSession, Depends(open_transaction, scope="function")]
"""A session for one request, committed before its response is sent."""


async def read_only_pool(request: Request) -> ReadOnlyPool:
    return runtime_of(request, Runtime).database.read_only_pool


ReadOnlyPoolDep = Annotated[ReadOnlyPool, Depends(read_only_pool)]
"""The read-only twin: connections that cannot write, for statements made with `Query`."""
