"""Registration: emails are unique regardless of case, and passwords must satisfy the policy."""

import asyncio

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.users.models import User
from tests.support.auth_database import count_rows
from tests.support.problems import assert_problem, rejected_fields
from tests.support.users import PASSWORD, log_in, new_email

PATH = "/api/v1/auth/register"


async def test_registration_returns_the_user_and_a_location_header(
    client: httpx.AsyncClient,
) -> None:
    response = await client.post(
        PATH,
        json={
            "email": "ada@example.com",
            "password": PASSWORD,
            "first_name": "Ada",
            "last_name": "Lovelace",
        },
    )

    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"
    user = response.json()
    assert response.headers["location"] == f"/api/v1/users/{user['id']}"
    created_at, updated_at = user.pop("created_at"), user.pop("updated_at")
    assert created_at == updated_at
    assert created_at.endswith("Z")
    assert user == {
        "id": user["id"],
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "full_name": "Ada Lovelace",
        "is_active": True,
        "is_superuser": False,
        "email_verified": False,
        "permissions": [],
    }


async def test_omitted_names_are_null(client: httpx.AsyncClient) -> None:
    user = (await client.post(PATH, json={"email": new_email(), "password": PASSWORD})).json()

    assert (user["first_name"], user["last_name"], user["full_name"]) == (None, None, None)


async def test_an_email_is_stored_in_lower_case(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    registered = await client.post(PATH, json={"email": "Ada@Example.COM", "password": PASSWORD})

    assert registered.json()["email"] == "ada@example.com"
    assert await db_session.scalar(select(User.email)) == "ada@example.com"


async def test_a_password_is_stored_as_argon2id_and_never_returned(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    response = await client.post(PATH, json={"email": new_email(), "password": PASSWORD})

    assert PASSWORD not in response.text
    assert "password" not in response.text
    stored = await db_session.scalar(select(User.hashed_password))
    assert stored is not None
    assert stored.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", " Ada@Bu\u0308cher.example"),
        ("ada@\uff42ücher\u3002example", "ada@bücher.example"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
    ],
)
async def test_another_spelling_of_a_taken_email_is_refused(
    client: httpx.AsyncClient, first: str, second: str
) -> None:
    registered = await client.post(PATH, json={"email": first, "password": PASSWORD})
    assert registered.status_code == 201

    response = await client.post(PATH, json={"email": second, "password": PASSWORD})

    assert_problem(response, 409, "email_taken")


@pytest.mark.parametrize("second_email", ["ada@example.com", "ADA@Example.Com"])
async def test_a_taken_email_is_refused_regardless_of_case(
    client: httpx.AsyncClient, db_session: AsyncSession, second_email: str
) -> None:
    await client.post(PATH, json={"email": "ada@example.com", "password": PASSWORD})

    response = await client.post(PATH, json={"email": second_email, "password": PASSWORD})

    assert_problem(response, 409, "email_taken")
    assert await count_rows(db_session, User) == 1


async def test_exactly_one_of_several_concurrent_registrations_succeeds(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD}

    responses = await asyncio.gather(*(client.post(PATH, json=body) for _ in range(10)))

    refused = [response for response in responses if response.status_code != 201]
    assert len(refused) == 9
    for response in refused:
        assert_problem(response, 409, "email_taken")
    assert await count_rows(db_session, User) == 1


@pytest.mark.parametrize(
    "password",
    ["8 chars!", "x7" * 64, "schönes Wetter", "  spaces around  ", "🔑🗝🔐🔒🔓🛡⚔🏰", "nul\0inside"],
    ids=["8", "128", "umlaut", "spaces", "emoji", "nul"],
)
async def test_a_user_can_register_and_log_in_with_an_allowed_password(
    client: httpx.AsyncClient, password: str
) -> None:
    email = new_email()

    registered = await client.post(PATH, json={"email": email, "password": password})

    assert registered.status_code == 201, registered.text
    assert (await log_in(client, email, password)).status_code == 200
    assert (await log_in(client, email, password.strip() + "x")).status_code == 401


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("7 chars", "too_short"),
        ("x7" * 64 + "x", "too_long"),
        ("password1", "common_password"),
        ("PassWord1", "common_password"),
    ],
)
async def test_a_password_that_violates_the_policy_is_refused_and_not_returned(
    client: httpx.AsyncClient, db_session: AsyncSession, password: str, code: str
) -> None:
    response = await client.post(PATH, json={"email": new_email(), "password": password})

    assert rejected_fields(response) == [("body", "/password", code)]
    assert password not in response.text
    assert await count_rows(db_session, User) == 0


@pytest.mark.parametrize("is_superuser", [True, False])
async def test_registration_refuses_the_field_is_superuser(
    client: httpx.AsyncClient, db_session: AsyncSession, is_superuser: bool
) -> None:
    response = await client.post(
        PATH, json={"email": new_email(), "password": PASSWORD, "is_superuser": is_superuser}
    )

    assert rejected_fields(response) == [("body", "/is_superuser", "unknown_field")]
    assert await count_rows(db_session, User) == 0
