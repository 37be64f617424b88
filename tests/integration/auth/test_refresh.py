"""A refresh exchanges a refresh token for two new tokens; the database holds only hashes."""

import base64

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.sessions.models import RefreshToken, UserSession
from tests.support.auth_database import count_rows, session_id_in, stored_session, update_user
from tests.support.problems import assert_problem
from tests.support.refresh import PATH, next_refresh_token, refresh
from tests.support.running_duet import Duet
from tests.support.users import RegisteredUser, log_in, register_user


async def test_a_refresh_returns_two_new_tokens_that_must_not_be_cached(
    client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    response = await refresh(client, registered_user.refresh_token)

    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    tokens = response.json()
    assert tokens.keys() == {
        *("access_token", "refresh_token", "token_type", "expires_in", "refresh_expires_in")
    }
    assert tokens["token_type"] == "bearer"
    assert tokens["expires_in"] == 10 * 60
    assert tokens["refresh_expires_in"] == 14 * 24 * 60 * 60
    assert tokens["refresh_token"] != registered_user.refresh_token
    assert tokens["access_token"] != registered_user.access_token


async def test_a_refresh_continues_the_same_session(
    client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    tokens = (await refresh(client, registered_user.refresh_token)).json()

    assert session_id_in(tokens["access_token"]) == session_id_in(registered_user.access_token)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await client.get("/api/v1/users/me", headers=bearer)).status_code == 200


async def test_each_new_refresh_token_can_be_exchanged(
    client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    tokens = [registered_user.refresh_token]
    for _ in range(5):
        tokens.append(await next_refresh_token(client, tokens[-1]))

    assert len(set(tokens)) == 6


async def test_a_refresh_picks_up_new_permissions(
    client: httpx.AsyncClient, registered_user: RegisteredUser, duet: Duet
) -> None:
    await update_user(duet, registered_user.id, permissions=["users:read"])

    tokens = (await refresh(client, registered_user.refresh_token)).json()

    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await client.get("/api/v1/users", headers=bearer)).status_code == 200


async def test_refresh_tokens_are_stored_only_as_hashes(
    client: httpx.AsyncClient, registered_user: RegisteredUser, db_session: AsyncSession
) -> None:
    tokens = [
        registered_user.refresh_token,
        await next_refresh_token(client, registered_user.refresh_token),
    ]
    rows = await db_session.scalars(
        text("SELECT r::text FROM refresh_tokens r UNION ALL SELECT s::text FROM sessions s"),
        bind_arguments={"mapper": RefreshToken},
    )
    stored = "\n".join(rows.all())

    assert stored.count("\n") == 2
    for token in tokens:
        assert token not in stored
        assert base64.urlsafe_b64decode(token + "=").hex() not in stored


@pytest.mark.parametrize(
    "token",
    ["x", "x" * 43, "A" * 42 + "=", "A" * 44, "x" * 512, "\0" * 43, "ü" * 43, "+" * 43, " "],
    ids=ascii,
)
async def test_a_token_that_was_never_issued_is_refused(
    client: httpx.AsyncClient, registered_user: RegisteredUser, token: str
) -> None:
    assert_problem(await refresh(client, token), 401, "invalid_refresh_token")

    await next_refresh_token(client, registered_user.refresh_token)


@pytest.mark.parametrize(
    "body",
    [
        *(b"{}", b"[]", b"", b'"token"', b'{"refresh_token": ""}', b'{"refresh_token": null}'),
        *(b'{"refresh_token": 7}', b'{"refresh_token": ["x"]}', b'{"token": "x"}'),
        b'{"refresh_token": "' + b"x" * 513 + b'"}',
        b'{"refresh_token": "x", "extra": 1}',
        b'{"refresh_token": "' + b"\\ud800" * 43 + b'"}',
    ],
    ids=lambda body: repr(body[:30]),
)
async def test_a_body_without_a_token_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post(PATH, content=body, headers={"Content-Type": "application/json"})

    assert_problem(response, 422, "validation_failed")


async def test_a_refresh_token_in_the_query_is_refused(
    client: httpx.AsyncClient, registered_user: RegisteredUser, db_session: AsyncSession
) -> None:
    query = {"refresh_token": registered_user.refresh_token}

    assert_problem(await client.post(PATH, params=query), 422, "validation_failed")
    assert_problem(await client.post(PATH, params=query, json={}), 422, "validation_failed")
    assert_problem(await client.get(PATH, params=query), 405, "method_not_allowed")
    assert await count_rows(db_session, RefreshToken) == 1


async def test_a_refresh_token_is_refused_as_an_access_token(
    client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    bearer = {"Authorization": f"Bearer {registered_user.refresh_token}"}

    assert_problem(await client.get("/api/v1/users/me", headers=bearer), 401, "invalid_token")


async def test_an_inactive_user_cannot_refresh(
    client: httpx.AsyncClient, registered_user: RegisteredUser, duet: Duet, db_session: AsyncSession
) -> None:
    await update_user(duet, registered_user.id, is_active=False)

    response = await refresh(client, registered_user.refresh_token)

    assert_problem(response, 401, "invalid_refresh_token")
    assert await count_rows(db_session, RefreshToken) == 1


async def test_a_refresh_does_not_affect_other_sessions(
    client: httpx.AsyncClient, registered_user: RegisteredUser, db_session: AsyncSession
) -> None:
    other_session = (await log_in(client, registered_user.email)).json()
    other_user = await register_user(client)

    await next_refresh_token(client, registered_user.refresh_token)

    assert (await stored_session(db_session, registered_user)).revoked_at is None
    assert await count_rows(db_session, RefreshToken) == 4
    assert await count_rows(db_session, UserSession) == 3
    for token in (other_session["refresh_token"], other_user.refresh_token):
        await next_refresh_token(client, token)
