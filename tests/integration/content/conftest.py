"""Fixtures for content's tests: another user, and a moderator."""

import asyncpg
import httpx
import pytest

from tests.support.running_duet import Duet
from tests.support.users import RegisteredUser, log_in, register_user


@pytest.fixture
async def other_user(client: httpx.AsyncClient) -> RegisteredUser:
    """Another user, without permissions."""
    return await register_user(client)


@pytest.fixture
async def moderator(duet: Duet, client: httpx.AsyncClient) -> RegisteredUser:
    """Another user, whose token grants `posts:moderate`."""
    user = await register_user(client)
    connection = await asyncpg.connect(duet.urls.auth)
    await connection.execute(
        "UPDATE users SET permissions = '{posts:moderate}' WHERE id = $1", user.id
    )
    await connection.close()
    tokens = (await log_in(client, user.email)).json()
    return RegisteredUser(user.id, user.email, tokens["access_token"], tokens["refresh_token"])
