"""One transaction per request, committed before the response is sent."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.db.queries import ReadOnlyPool
from duet_common.web.runtime import Runtime, runtime_of


async def open_transaction(request: Request) -> AsyncIterator[AsyncSession]:
    """Yield a session; commit when the endpoint has returned, roll back when it raises.

    Since FastAPI 0.118, a dependency with `yield` ends after the response by default, so a client
    could read data that is not committed yet (fastapi/fastapi#3620). `scope="function"` ends it
    before.
    """
    async with runtime_of(request, Runtime).database.transaction() as session:
        yield session


WriteSessionDep = Annotated[AsyncSession, Depends(open_transaction, scope="function")]
"""The session of one request, committed before its response is sent."""


async def read_only_pool(request: Request) -> ReadOnlyPool:
    return runtime_of(request, Runtime).database.read_only_pool


ReadOnlyPoolDep = Annotated[ReadOnlyPool, Depends(read_only_pool)]
"""The pool of read-only connections, for `Query`."""
