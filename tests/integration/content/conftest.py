"""`db_session` is content's here, and there are a stranger and a moderator."""

import asyncpg
import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.support.running_duet import Duet
from tests.support.users import RegisteredUser, log_in, register_user


@pytest.fixture
def db_session(content_session: AsyncSession) -> AsyncSession:
    return content_session


@pytest.fixture
async def stranger(client: httpx.AsyncClient) -> RegisteredUser:
    """Somebody else, with no permission."""
    return await register_user(client)


@pytest.fixture
async def moderator(duet: Duet, client: httpx.AsyncClient) -> RegisteredUser:
    """Somebody else, whose token says `posts:moderate`."""
    somebody = await register_user(client)
    connection = await asyncpg.connect(duet.urls.auth)
    await connection.execute(
        "UPDATE users SET permissions = '{posts:moderate}' WHERE id = $1", somebody.id
    )
    await connection.close()
    tokens = (await log_in(client, somebody.email)).json()
    return RegisteredUser(
        somebody.id, somebody.email, tokens["access_token"], tokens["refresh_token"]
    )
