"""The two databases of `make run`, which are created if missing, then migrated."""

import asyncio
from dataclasses import dataclass
from typing import Final

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from duet_auth.migrations import MIGRATIONS as AUTH_MIGRATIONS
from duet_common.db.migrations import WrongDatabase
from duet_content.migrations import MIGRATIONS as CONTENT_MIGRATIONS
from duet_standalone.errors import StartFailure

AUTH: Final = "duet_auth"
CONTENT: Final = "duet_content"
_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    auth: str
    content: str


async def prepare_databases(server_url: str, *, own_roles: bool, suffix: str = "") -> DatabaseUrls:
    """Create both databases on a server and migrate them. Raises `StartFailure`.

    With `own_roles` (the embedded server), each service gets a role that owns its database, and
    cannot connect to the other's. On another server both belong to the role of the URL. `suffix`
    goes to the end of the databases' names.
    """
    names = (AUTH + suffix, CONTENT + suffix)
    try:
        connection = await asyncpg.connect(server_url, timeout=_SECONDS)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartFailure(
            f"The database at {_without_password(server_url)} cannot be reached "
            f"({_reason(error)}). Check DATABASE_URL, or unset it to use the embedded one."
        ) from None
    try:
        for name in names:
            await _make_database(connection, name, own_role=own_roles)
    except asyncpg.PostgresError as error:
        raise StartFailure(
            f"The databases cannot be created: {error}. Use a role with CREATEDB in DATABASE_URL."
        ) from None
    finally:
        await connection.close(timeout=_SECONDS)
    urls = DatabaseUrls(*(_url(server_url, name, own_roles) for name in names))
    try:
        await AUTH_MIGRATIONS.upgrade(urls.auth)
        await CONTENT_MIGRATIONS.upgrade(urls.content)
    except (WrongDatabase, OSError, SQLAlchemyError, asyncpg.PostgresError) as error:
        raise StartFailure(f"The databases cannot be migrated: {_reason(error)}") from None
    return urls


async def _make_database(
    connection: "asyncpg.Connection[asyncpg.Record]", name: str, *, own_role: bool
) -> None:
    # The names are constants of this module, so they are safe without quoting.
    if own_role and not await connection.fetchval(
        "SELECT 1 FROM pg_roles WHERE rolname = $1", name
    ):
        await connection.execute(f"CREATE ROLE {name} LOGIN")
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        owner = f" OWNER {name}" if own_role else ""
        await connection.execute(f"CREATE DATABASE {name}{owner}")
    if own_role:
        await connection.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")


def _url(server_url: str, database: str, own_roles: bool) -> str:
    url = make_url(server_url).set(database=database)
    if own_roles:
        url = url.set(username=database)
    return url.render_as_string(hide_password=False)


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "DATABASE_URL"


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncio.TimeoutError):
        return f"no response within {_SECONDS:.0f} s"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
