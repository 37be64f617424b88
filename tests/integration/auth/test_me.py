"""A user reads, changes and deletes their own account; deletion removes its sessions and tokens."""

import json
import uuid

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.sessions.models import RefreshToken, UserSession
from duet_auth.users.models import User
from tests.support.auth_database import count_rows, update_user
from tests.support.problems import assert_problem
from tests.support.running_duet import Duet
from tests.support.users import RegisteredUser, log_in, register_user

ME = "/api/v1/users/me"
NO_TOKEN: dict[str, str] = {}
FORGED_TOKEN = {"Authorization": "Bearer not.a.token"}


@pytest.mark.parametrize(
    ("headers", "code", "challenge"),
    [
        (NO_TOKEN, "authentication_required", 'Bearer realm="duet"'),
        ({"Authorization": "Basic YTpi"}, "authentication_required", 'Bearer realm="duet"'),
        (
            FORGED_TOKEN,
            "invalid_token",
            (
                'Bearer realm="duet", error="invalid_token", '
                'error_description="The access token is invalid or has expired. Get a new one."'
            ),
        ),
    ],
    ids=["none", "basic", "forged"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ME),
        ("PATCH", ME),
        ("DELETE", ME),
        ("PUT", f"{ME}/password"),
        ("GET", f"{ME}/sessions"),
        ("DELETE", f"{ME}/sessions/{uuid.UUID(int=0)}"),
        ("GET", "/api/v1/users"),
        ("GET", f"/api/v1/users/{uuid.UUID(int=0)}"),
        ("POST", "/api/v1/auth/logout"),
        ("POST", "/api/v1/auth/logout-all"),
    ],
)
async def test_a_request_without_a_valid_token_is_challenged(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    headers: dict[str, str],
    code: str,
    challenge: str,
) -> None:
    response = await client.request(method, path, headers=headers)

    assert_problem(response, 401, code)
    assert response.headers["www-authenticate"] == challenge


async def test_users_me_returns_the_caller(
    authenticated_client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    response = await authenticated_client.get(ME)

    assert response.status_code == 200
    assert response.json()["id"] == str(registered_user.id)
    assert response.json()["email"] == registered_user.email
    assert "password" not in response.text


async def test_a_deactivated_user_is_refused_at_once(
    authenticated_client: httpx.AsyncClient, registered_user: RegisteredUser, duet: Duet
) -> None:
    await update_user(duet, registered_user.id, is_active=False)

    assert_problem(await authenticated_client.get(ME), 401, "invalid_token")


async def test_patch_keeps_absent_fields_and_clears_null_fields(client: httpx.AsyncClient) -> None:
    registered_user = await register_user(client, first_name="Ada", last_name="Lovelace")

    response = await client.patch(ME, json={"last_name": None}, headers=registered_user.headers)

    assert response.status_code == 200
    user = response.json()
    assert (user["first_name"], user["last_name"], user["full_name"]) == ("Ada", None, "Ada")
    assert (await client.get(ME, headers=registered_user.headers)).json() == user


async def test_a_change_updates_updated_at(authenticated_client: httpx.AsyncClient) -> None:
    before = (await authenticated_client.get(ME)).json()

    after = (await authenticated_client.patch(ME, json={"first_name": "Grace"})).json()

    assert after["first_name"] == "Grace"
    assert after["updated_at"] > before["updated_at"]
    assert after["created_at"] == before["created_at"]


async def test_an_empty_patch_changes_nothing(authenticated_client: httpx.AsyncClient) -> None:
    before = (await authenticated_client.get(ME)).json()

    response = await authenticated_client.patch(ME, json={})

    assert response.status_code == 200
    assert response.json() == before


@pytest.mark.parametrize(
    "body",
    [
        {"is_superuser": True},
        {"permissions": ["users:read"]},
        {"email": "other@example.com"},
        {"hashed_password": "x"},
        {"id": str(uuid.UUID(int=0))},
        {"first_name": "Ada", "created_at": "2020-01-01T00:00:00Z"},
        {"first_name": ""},
        {"first_name": "x" * 101},
        {"first_name": "nul\0"},
        {"last_name": "\ud800"},
        {"last_name": 7},
        {"last_name": ["x"]},
    ],
    ids=lambda body: ascii(body)[:30],
)
async def test_a_patch_with_an_invalid_field_changes_nothing(
    authenticated_client: httpx.AsyncClient, body: dict[str, object]
) -> None:
    before = (await authenticated_client.get(ME)).json()

    response = await authenticated_client.patch(
        ME, content=ascii_json(body), headers={"Content-Type": "application/json"}
    )

    assert_problem(response, 422, "validation_failed")
    assert (await authenticated_client.get(ME)).json() == before


def ascii_json(body: object) -> bytes:
    # httpx encodes JSON as UTF-8, which cannot contain a lone surrogate; an ASCII escape can.
    return json.dumps(body).encode("ascii")


async def test_a_patch_without_a_body_is_refused(authenticated_client: httpx.AsyncClient) -> None:
    assert_problem(await authenticated_client.patch(ME), 422, "validation_failed")


async def test_a_name_may_have_a_hundred_characters_outside_ascii(
    authenticated_client: httpx.AsyncClient,
) -> None:
    name = "🦊" * 100

    response = await authenticated_client.patch(ME, json={"first_name": name})

    assert response.json()["first_name"] == name


async def test_deleting_a_user_deletes_their_sessions_and_tokens(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    registered_user, other_user = await register_user(client), await register_user(client)
    await log_in(client, registered_user.email)

    response = await client.delete(ME, headers=registered_user.headers)

    assert response.status_code == 204
    assert response.content == b""
    assert [await count_rows(db_session, model) for model in (User, UserSession, RefreshToken)] == [
        1,
        1,
        1,
    ]
    assert (await client.get(ME, headers=other_user.headers)).status_code == 200


async def test_tokens_and_password_of_a_deleted_user_are_refused(client: httpx.AsyncClient) -> None:
    registered_user = await register_user(client)
    await client.delete(ME, headers=registered_user.headers)

    again = await client.delete(ME, headers=registered_user.headers)
    me = await client.get(ME, headers=registered_user.headers)
    refreshed = await client.post(
        "/api/v1/auth/refresh", json={"refresh_token": registered_user.refresh_token}
    )

    assert_problem(again, 401, "invalid_token")
    assert_problem(me, 401, "invalid_token")
    assert_problem(refreshed, 401, "invalid_refresh_token")
    assert_problem(await log_in(client, registered_user.email), 401, "invalid_credentials")


async def test_the_email_of_a_deleted_user_can_be_registered_again(
    client: httpx.AsyncClient,
) -> None:
    registered_user = await register_user(client)
    await client.delete(ME, headers=registered_user.headers)

    assert (await register_user(client, email=registered_user.email)).id != registered_user.id
