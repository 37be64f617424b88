"""A user lists their sessions and ends one or all of them."""

import uuid

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.support.auth_database import session_id_in, stored_session
from tests.support.problems import assert_problem, rejected_fields
from tests.support.refresh import refresh
from tests.support.users import PASSWORD, RegisteredUser, log_in, register_user

SESSIONS = "/api/v1/users/me/sessions"
ME = "/api/v1/users/me"


async def another_session(
    client: httpx.AsyncClient, registered_user: RegisteredUser
) -> RegisteredUser:
    """Log the user in again and return them with the new tokens."""
    tokens = (await log_in(client, registered_user.email)).json()
    return RegisteredUser(
        registered_user.id, registered_user.email, tokens["access_token"], tokens["refresh_token"]
    )


async def assert_ended(client: httpx.AsyncClient, registered_user: RegisteredUser) -> None:
    assert_problem(await client.get(ME, headers=registered_user.headers), 401, "invalid_token")
    response = await refresh(client, registered_user.refresh_token)
    assert_problem(response, 401, "invalid_refresh_token")


async def assert_live(client: httpx.AsyncClient, registered_user: RegisteredUser) -> None:
    assert (await client.get(ME, headers=registered_user.headers)).status_code == 200
    assert (await refresh(client, registered_user.refresh_token)).status_code == 200


async def test_a_logout_ends_only_the_current_session(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    registered_user = await register_user(client)
    other_session = await another_session(client, registered_user)

    response = await client.post("/api/v1/auth/logout", headers=registered_user.headers)

    assert response.status_code == 204
    assert response.content == b""
    assert (await stored_session(db_session, registered_user)).revoked_reason == "logout"
    await assert_ended(client, registered_user)
    await assert_live(client, other_session)


async def test_a_second_logout_is_refused(client: httpx.AsyncClient) -> None:
    registered_user = await register_user(client)
    await client.post("/api/v1/auth/logout", headers=registered_user.headers)

    again = await client.post("/api/v1/auth/logout", headers=registered_user.headers)

    assert_problem(again, 401, "invalid_token")


async def test_logout_all_ends_only_the_callers_sessions(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    registered_user, other_user = await register_user(client), await register_user(client)
    other_session = await another_session(client, registered_user)

    response = await client.post("/api/v1/auth/logout-all", headers=registered_user.headers)

    assert response.status_code == 204
    assert (await stored_session(db_session, other_session)).revoked_reason == "logout_all"
    await assert_ended(client, registered_user)
    await assert_ended(client, other_session)
    await assert_live(client, other_user)


async def test_a_user_can_log_in_again_after_logout_all(client: httpx.AsyncClient) -> None:
    registered_user = await register_user(client)
    await client.post("/api/v1/auth/logout-all", headers=registered_user.headers)

    await assert_live(client, await another_session(client, registered_user))


async def test_the_list_shows_each_session_and_marks_the_current_one(
    client: httpx.AsyncClient,
) -> None:
    registered_user = await register_user(client)
    await register_user(client)
    tokens = await client.post(
        "/api/v1/auth/login",
        data={"username": registered_user.email, "password": PASSWORD},
        headers={"User-Agent": "a browser"},
    )
    other_id = session_id_in(tokens.json()["access_token"])

    response = await client.get(SESSIONS, headers=registered_user.headers)

    assert response.status_code == 200
    newer, older = response.json()["items"]
    assert (newer["id"], newer["user_agent"], newer["current"]) == (
        str(other_id),
        "a browser",
        False,
    )
    assert older["id"] == str(session_id_in(registered_user.access_token))
    assert older["current"] is True
    assert older["user_agent"] == client.headers["user-agent"]
    assert older["address"] == "127.0.0.1"
    assert older.keys() == {
        *("id", "user_agent", "address", "created_at", "last_used_at", "expires_at", "current")
    }
    assert all(older[name].endswith("Z") for name in ("created_at", "last_used_at", "expires_at"))


async def test_a_refresh_keeps_the_session_and_updates_its_times(
    client: httpx.AsyncClient,
) -> None:
    registered_user = await register_user(client)
    [before] = (await client.get(SESSIONS, headers=registered_user.headers)).json()["items"]

    await refresh(client, registered_user.refresh_token)

    [after] = (await client.get(SESSIONS, headers=registered_user.headers)).json()["items"]
    assert after["id"] == before["id"]
    assert after["last_used_at"] > before["last_used_at"]
    assert after["expires_at"] > before["expires_at"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(b"x" * 5000, "x" * 200), (b"", None), (b"caf\xe9", "café")],
    ids=["long", "empty", "latin-1"],
)
async def test_any_user_agent_can_be_stored(
    client: httpx.AsyncClient, sent: bytes, kept: str | None
) -> None:
    client.headers = httpx.Headers([(b"User-Agent", sent)])
    registered_user = await register_user(client)

    [session] = (await client.get(SESSIONS, headers=registered_user.headers)).json()["items"]

    assert session["user_agent"] == kept


async def test_sessions_are_listed_in_pages(client: httpx.AsyncClient) -> None:
    registered_user = await register_user(client)
    for _ in range(2):
        await another_session(client, registered_user)

    first = await client.get(SESSIONS, params={"limit": 2}, headers=registered_user.headers)
    following = first.links["next"]["url"]
    second = await client.get(following, headers=registered_user.headers)

    assert [len(page.json()["items"]) for page in (first, second)] == [2, 1]
    assert following == f"{SESSIONS}?limit=2&cursor={first.json()['next_cursor']}"
    assert second.json()["next_cursor"] is None
    assert "link" not in second.headers


async def test_an_invalid_cursor_or_limit_is_refused(
    authenticated_client: httpx.AsyncClient,
) -> None:
    cursor = await authenticated_client.get(SESSIONS, params={"cursor": "nonsense"})
    limit = await authenticated_client.get(SESSIONS, params={"limit": 101})

    assert_problem(cursor, 400, "invalid_cursor")
    assert_problem(limit, 422, "validation_failed")


async def test_one_session_can_be_ended_from_another(client: httpx.AsyncClient) -> None:
    registered_user = await register_user(client)
    other_session = await another_session(client, registered_user)

    response = await client.delete(
        f"{SESSIONS}/{session_id_in(other_session.access_token)}", headers=registered_user.headers
    )

    assert response.status_code == 204
    assert response.content == b""
    await assert_ended(client, other_session)
    await assert_live(client, registered_user)


async def test_the_current_session_can_be_ended(
    client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    path = f"{SESSIONS}/{session_id_in(registered_user.access_token)}"

    assert (await client.delete(path, headers=registered_user.headers)).status_code == 204
    await assert_ended(client, registered_user)


async def test_another_users_session_is_not_found(client: httpx.AsyncClient) -> None:
    registered_user, other_user = await register_user(client), await register_user(client)

    response = await client.delete(
        f"{SESSIONS}/{session_id_in(other_user.access_token)}", headers=registered_user.headers
    )

    assert_problem(response, 404, "session_not_found")
    await assert_live(client, other_user)


async def test_an_ended_or_unknown_session_is_not_found(client: httpx.AsyncClient) -> None:
    registered_user = await register_user(client)
    other_id = session_id_in((await another_session(client, registered_user)).access_token)
    await client.delete(f"{SESSIONS}/{other_id}", headers=registered_user.headers)

    for session_id in (other_id, uuid.UUID(int=0)):
        response = await client.delete(f"{SESSIONS}/{session_id}", headers=registered_user.headers)
        assert_problem(response, 404, "session_not_found")


async def test_a_session_id_that_is_not_a_uuid_is_refused(
    authenticated_client: httpx.AsyncClient,
) -> None:
    response = await authenticated_client.delete(f"{SESSIONS}/current")

    assert rejected_fields(response) == [("path", "session_id", "invalid_format")]
