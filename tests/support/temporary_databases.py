"""Temporary databases on the PostgreSQL server of the test worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.engine import make_url

from duet_auth.migrations import MIGRATIONS as AUTH_MIGRATIONS
from duet_common.db.database import Database, DatabaseOptions
from duet_common.ids import new_id
from duet_content.migrations import MIGRATIONS as CONTENT_MIGRATIONS
from duet_standalone.databases import DatabaseUrls


@asynccontextmanager
async def temporary_database(server_url: str) -> AsyncIterator[str]:
    """Create an empty database, yield its URL, and drop it at the end."""
    name = f"temporary_{new_id().hex}"
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@asynccontextmanager
async def migrated_databases(server_url: str) -> AsyncIterator[DatabaseUrls]:
    """Create a migrated database for each service, and drop both at the end."""
    async with temporary_database(server_url) as auth, temporary_database(server_url) as content:
        await AUTH_MIGRATIONS.upgrade(auth)
        await CONTENT_MIGRATIONS.upgrade(content)
        yield DatabaseUrls(auth, content)


@asynccontextmanager
async def open_database(
    url: str, *, seconds: float = 5.0, pool_size: int = 1, pooler: bool = False, echo: bool = False
) -> AsyncIterator[Database]:
    """Open a `Database` with small pools; `seconds` is its timeout."""
    options = DatabaseOptions(
        application_name="test",
        pool_size=pool_size,
        max_overflow=1,
        read_pool_size=2 * pool_size,
        pre_ping=False,
        pooler=pooler,
        echo=echo,
        timeout=seconds,
    )
    database = Database(url, options)
    try:
        yield database
    finally:
        await database.close()
