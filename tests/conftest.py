"""Fixtures for all tests: a PostgreSQL server, both services running on it, and their clients."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.testing.clock import AdjustableClock
from duet_standalone.databases import DatabaseUrls, prepare_databases
from duet_standalone.postgres import EmbeddedPostgres
from tests.support.db_session import session_on_both
from tests.support.running_duet import Duet, running_duet
from tests.support.started_tasks import StartedTasks
from tests.support.tables import TABLES
from tests.support.users import RegisteredUser, register_user


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of the server in `TEST_DATABASE_URL`, or of an embedded server for this worker."""
    external = os.environ.get("TEST_DATABASE_URL")
    if external is not None:
        yield external
        return
    # The folder is not below pytest's temporary folder: if pytest runs as root, another pytest
    # session makes that one inaccessible to the server, which runs as another user.
    with (
        tempfile.TemporaryDirectory(prefix="duet-pg-") as folder,
        EmbeddedPostgres(Path(folder), durable=False) as embedded,
    ):
        yield embedded.url()


@pytest.fixture(scope="session")
async def database_urls(postgres_url: str, worker_id: str) -> DatabaseUrls:
    """The URLs of this worker's databases, one per service, migrated."""
    is_external = "TEST_DATABASE_URL" in os.environ
    return await prepare_databases(
        postgres_url, own_roles=not is_external, suffix=f"_{worker_id}" if is_external else ""
    )


@pytest.fixture(scope="session")
def session_clock() -> AdjustableClock:
    return AdjustableClock()


@pytest.fixture
def clock(session_clock: AdjustableClock) -> Iterator[AdjustableClock]:
    """The clock of the running services: the real time plus what the test has advanced it by."""
    yield session_clock
    session_clock.reset()


@pytest.fixture(scope="session")
async def session_duet(
    database_urls: DatabaseUrls, session_clock: AdjustableClock
) -> AsyncIterator[Duet]:
    async with running_duet(database_urls, session_clock) as duet:
        yield duet


@pytest.fixture
async def duet(session_duet: Duet, clock: AdjustableClock) -> AsyncIterator[Duet]:
    """Both services behind one origin under real uvicorn, without rate limits, on empty tables.

    After the test, `dependency_overrides` of both apps are cleared and the tables are emptied.
    """
    yield session_duet
    for app in (session_duet.auth, session_duet.content):
        app.dependency_overrides.clear()
    for service, url in (("auth", session_duet.urls.auth), ("content", session_duet.urls.content)):
        connection = await asyncpg.connect(url)
        await connection.execute(f"TRUNCATE {', '.join(TABLES[service])}")
        await connection.close()


@pytest.fixture
async def client(duet: Duet) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of both services, without a token."""
    async with httpx.AsyncClient(base_url=duet.url) as client:
        yield client


@pytest.fixture
async def registered_user(client: httpx.AsyncClient) -> RegisteredUser:
    """A user who has registered and logged in."""
    return await register_user(client)


@pytest.fixture
async def authenticated_client(
    duet: Duet, registered_user: RegisteredUser
) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that sends the access token of `registered_user`."""
    async with httpx.AsyncClient(base_url=duet.url, headers=registered_user.headers) as client:
        yield client


@pytest.fixture
async def db_session(duet: Duet) -> AsyncIterator[AsyncSession]:
    """A session on both databases, in which each model's base selects the database.

    A flush writes at once and for good, so the running services see the rows; a commit may follow,
    and a rollback undoes nothing. The tables are emptied after the test. A textual statement needs
    `bind_arguments={"mapper": User}` to select its database.
    """
    async with session_on_both(duet.urls) as session:
        yield session


@pytest.fixture
async def started_tasks() -> StartedTasks:
    """The asyncio tasks that the test has started and that have not ended, by their name."""
    return StartedTasks()
