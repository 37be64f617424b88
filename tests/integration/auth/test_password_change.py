"""A password change needs the current password, obeys the policy and ends all other sessions."""

import httpx
import pytest
from passlib.hash import bcrypt
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.sessions.models import UserSession
from duet_auth.users.models import User
from tests.support.auth_database import session_id_in, update_user
from tests.support.problems import assert_problem, rejected_fields
from tests.support.running_duet import Duet
from tests.support.users import PASSWORD, RegisteredUser, log_in, register_user

PATH = "/api/v1/users/me/password"
NEW_PASSWORD = "another long and secret phrase"
CHANGE = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}


async def refresh_status(client: httpx.AsyncClient, refresh_token: str) -> int:
    response = await client.post("/api/v1/auth/refresh", json={"refresh_token": refresh_token})
    return response.status_code


async def test_the_new_password_replaces_the_old_one(
    authenticated_client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    response = await authenticated_client.put(PATH, json=CHANGE)

    assert response.status_code == 204
    assert response.content == b""
    old = await log_in(authenticated_client, registered_user.email, PASSWORD)
    assert_problem(old, 401, "invalid_credentials")
    assert (
        await log_in(authenticated_client, registered_user.email, NEW_PASSWORD)
    ).status_code == 200


async def test_a_password_change_ends_all_sessions_but_the_current_one(
    authenticated_client: httpx.AsyncClient,
    registered_user: RegisteredUser,
    db_session: AsyncSession,
) -> None:
    client = authenticated_client
    other_session = (await log_in(client, registered_user.email)).json()
    other_user = await register_user(client)

    await client.put(PATH, json=CHANGE)

    bearer = {"Authorization": f"Bearer {other_session['access_token']}"}
    assert_problem(await client.get("/api/v1/users/me", headers=bearer), 401, "invalid_token")
    assert await refresh_status(client, other_session["refresh_token"]) == 401
    assert (await client.get("/api/v1/users/me")).status_code == 200
    assert await refresh_status(client, registered_user.refresh_token) == 200
    assert await refresh_status(client, other_user.refresh_token) == 200
    ended = select(UserSession.id, UserSession.revoked_reason).where(
        UserSession.revoked_at.is_not(None)
    )
    assert (await db_session.execute(ended)).all() == [
        (session_id_in(other_session["access_token"]), "password_changed")
    ]


@pytest.mark.parametrize("current", ["a wrong password", "", " ", "\0", "x" * 1024])
async def test_a_wrong_current_password_changes_nothing(
    authenticated_client: httpx.AsyncClient, registered_user: RegisteredUser, current: str
) -> None:
    other_session = (await log_in(authenticated_client, registered_user.email)).json()

    response = await authenticated_client.put(
        PATH, json={"current_password": current, "new_password": NEW_PASSWORD}
    )

    assert_problem(response, 422, "wrong_password")
    assert (
        await log_in(authenticated_client, registered_user.email, NEW_PASSWORD)
    ).status_code == 401
    assert await refresh_status(authenticated_client, other_session["refresh_token"]) == 200


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({**CHANGE, "new_password": "7 chars"}, "new_password", "too_short"),
        ({**CHANGE, "new_password": "x7" * 64 + "x"}, "new_password", "too_long"),
        ({**CHANGE, "new_password": "Password1"}, "new_password", "common_password"),
        ({**CHANGE, "new_password": 12345678}, "new_password", "wrong_type"),
        ({**CHANGE, "current_password": "x" * 1025}, "current_password", "too_long"),
        ({"new_password": NEW_PASSWORD}, "current_password", "required"),
        ({**CHANGE, "email": "x@example.com"}, "email", "unknown_field"),
    ],
    ids=["short", "long", "common", "int", "long-current", "no-current", "unknown-field"],
)
async def test_an_invalid_change_is_refused_without_repeating_a_password(
    authenticated_client: httpx.AsyncClient,
    registered_user: RegisteredUser,
    body: dict[str, object],
    field: str,
    code: str,
) -> None:
    response = await authenticated_client.put(PATH, json=body)

    assert rejected_fields(response) == [("body", f"/{field}", code)]
    assert PASSWORD not in response.text
    assert NEW_PASSWORD not in response.text
    assert (await log_in(authenticated_client, registered_user.email)).status_code == 200


@pytest.mark.parametrize("field", list(CHANGE))
async def test_a_password_with_a_lone_surrogate_is_refused(
    authenticated_client: httpx.AsyncClient, field: str
) -> None:
    passwords = {name: f'"{value}"' for name, value in CHANGE.items()}
    passwords[field] = '"eight \\ud800 characters"'
    body = ", ".join(f'"{name}": {value}' for name, value in passwords.items())

    response = await authenticated_client.put(
        PATH, content="{" + body + "}", headers={"Content-Type": "application/json"}
    )

    code = "validation_failed" if field == "new_password" else "wrong_password"
    assert_problem(response, 422, code)


async def test_the_current_password_may_have_a_bcrypt_hash(
    authenticated_client: httpx.AsyncClient,
    registered_user: RegisteredUser,
    duet: Duet,
    db_session: AsyncSession,
) -> None:
    hashed = str(bcrypt.using(rounds=4).hash(PASSWORD))
    await update_user(duet, registered_user.id, hashed_password=hashed)

    assert (await authenticated_client.put(PATH, json=CHANGE)).status_code == 204

    stored = await db_session.scalar(select(User.hashed_password))
    assert stored is not None
    assert stored.startswith("$argon2id$")
