"""Registration: one user an email in any case, a sound password, nothing stored when refused."""

import asyncio

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.users.models import User
from tests.support.auth_database import count
from tests.support.problems import assert_problem
from tests.support.users import PASSWORD, log_in, new_email

PATH = "/api/v1/auth/register"


async def test_a_registration_answers_with_the_user_and_its_location(
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
    made, changed = user.pop("created_at"), user.pop("updated_at")
    assert made == changed
    assert made.endswith("Z")
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


async def test_names_are_null_until_they_are_given(client: httpx.AsyncClient) -> None:
    user = (await client.post(PATH, json={"email": new_email(), "password": PASSWORD})).json()

    assert (user["first_name"], user["last_name"], user["full_name"]) == (None, None, None)


async def test_an_email_is_kept_in_lower_case(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    registered = await client.post(PATH, json={"email": "Ada@Example.COM", "password": PASSWORD})

    assert registered.json()["email"] == "ada@example.com"
    assert await db_session.scalar(select(User.email)) == "ada@example.com"


async def test_a_password_is_in_no_answer_and_stored_as_argon2id_only(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    response = await client.post(PATH, json={"email": new_email(), "password": PASSWORD})

    assert PASSWORD not in response.text
    assert "password" not in response.text
    stored = await db_session.scalar(select(User.hashed_password))
    assert stored is not None
    assert stored.startswith("$argon2id$")


@pytest.mark.parametrize("again", ["ada@example.com", "ADA@Example.Com"])
async def test_an_email_is_taken_in_any_case(
    client: httpx.AsyncClient, db_session: AsyncSession, again: str
) -> None:
    await client.post(PATH, json={"email": "ada@example.com", "password": PASSWORD})

    response = await client.post(PATH, json={"email": again, "password": PASSWORD})

    assert_problem(response, 409, "email_taken")
    assert await count(db_session, User) == 1


async def test_of_parallel_registrations_exactly_one_succeeds(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD}

    responses = await asyncio.gather(*(client.post(PATH, json=body) for _ in range(10)))

    refused = [response for response in responses if response.status_code != 201]
    assert len(refused) == 9
    for response in refused:
        assert_problem(response, 409, "email_taken")
    assert await count(db_session, User) == 1


@pytest.mark.parametrize(
    "password",
    ["8 chars!", "x7" * 64, "schönes Wetter", "  spaces around  ", "🔑🗝🔐🔒🔓🛡⚔🏰", "nul\0inside"],
    ids=["8", "128", "umlaut", "spaces", "emoji", "nul"],
)
async def test_a_password_within_the_policy_registers_and_logs_in(
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
        ("password1", "password_too_common"),
        ("PassWord1", "password_too_common"),
    ],
)
async def test_a_password_outside_of_the_policy_is_refused_and_not_repeated(
    client: httpx.AsyncClient, db_session: AsyncSession, password: str, code: str
) -> None:
    response = await client.post(PATH, json={"email": new_email(), "password": password})

    errors = assert_problem(response, 422, "validation_failed")["errors"]
    assert isinstance(errors, list)
    assert [(e["field"], e["code"]) for e in errors] == [("body.password", code)]
    assert password not in response.text
    assert await count(db_session, User) == 0


@pytest.mark.parametrize("is_superuser", [True, False])
async def test_nobody_registers_as_a_superuser(
    client: httpx.AsyncClient, db_session: AsyncSession, is_superuser: bool
) -> None:
    response = await client.post(
        PATH, json={"email": new_email(), "password": PASSWORD, "is_superuser": is_superuser}
    )

    errors = assert_problem(response, 422, "validation_failed")["errors"]
    assert isinstance(errors, list)
    assert [(e["field"], e["code"]) for e in errors] == [("body.is_superuser", "extra_forbidden")]
    assert await count(db_session, User) == 0
