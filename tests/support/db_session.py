"""The session behind the fixture `db_session`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from duet_auth.base import AuthBase
from duet_common.db.database import asyncpg_url
from duet_content.base import ContentBase
from duet_standalone.databases import DatabaseUrls


@asynccontextmanager
async def session_on_both(urls: DatabaseUrls) -> AsyncIterator[AsyncSession]:
    """A session on both databases whose writes are committed as soon as they are flushed.

    The services use connections of their own, from which the rows of an open transaction would be
    hidden. Autocommit also means that a test holds no locks.
    """
    auth, content = (
        create_async_engine(asyncpg_url(url), isolation_level="AUTOCOMMIT")
        for url in (urls.auth, urls.content)
    )
    try:
        async with AsyncSession(
            binds={AuthBase: auth, ContentBase: content}, expire_on_commit=False
        ) as session:
            yield session
    finally:
        await auth.dispose()
        await content.dispose()
