"""Registration refuses every invalid body with a problem detail and stores nothing.

The tests use registration only, because all endpoints with a JSON body share one parser and one
error handler.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.users.models import User
from tests.support.auth_database import count_rows
from tests.support.problems import assert_problem, rejected_fields
from tests.support.users import PASSWORD

PATH = "/api/v1/auth/register"
MEBIBYTE = 1024 * 1024
GOOD: dict[str, Any] = {
    "email": "ada@example.com",
    "password": PASSWORD,
    "first_name": "Ada",
    "last_name": "Lovelace",
}


async def post(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
    return await client.post(PATH, content=body, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"email": }',
        b'{"email": "ada@example.com"',
        b"\xff\xfe",
        json.dumps(GOOD).encode().replace(b"Ada", b"\xc3\x28"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"email": ' + b"9" * 5_000 + b"}",
        b"'single'",
        b"\0",
    ],
    ids=[
        *("brace", "no-value", "truncated", "not-utf8", "bad-utf8-in-text", "nested-lists"),
        *("nested-objects", "huge-int", "single-quotes", "nul"),
    ],
)
async def test_a_body_that_cannot_be_parsed_is_malformed(
    client: httpx.AsyncClient, db_session: AsyncSession, body: bytes
) -> None:
    response = await post(client, body)

    assert_problem(response, 400, "malformed_body")
    assert await count_rows(db_session, User) == 0


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"1", b'"text"', b"{}", b"NaN", b"[[[[[[]]]]]]"]
)
async def test_json_that_is_not_a_registration_is_refused(
    client: httpx.AsyncClient, db_session: AsyncSession, body: bytes
) -> None:
    response = await post(client, body)

    assert_problem(response, 422, "validation_failed")
    assert await count_rows(db_session, User) == 0


@pytest.mark.parametrize("field", list(GOOD))
@pytest.mark.parametrize(
    "value",
    [
        7,
        10**30,
        1.5,
        True,
        [],
        {},
        ["ada@example.com"],
        "x" * 1001,
        "\ud800",
        "a\ud800@example.com",
    ],
    ids=[
        *("int", "huge-int", "float", "bool", "list", "object", "list-of-text", "too-long"),
        *("surrogate", "surrogate-in-email"),
    ],
)
async def test_the_error_names_a_field_with_an_invalid_value(
    client: httpx.AsyncClient, db_session: AsyncSession, field: str, value: object
) -> None:
    response = await post(client, json.dumps({**GOOD, field: value}).encode())

    [(location, name, _)] = rejected_fields(response)
    assert (location, name) == ("body", f"/{field}")
    assert PASSWORD not in response.text
    assert await count_rows(db_session, User) == 0


@pytest.mark.parametrize("field", ["email", "first_name", "last_name"])
async def test_nul_is_refused_in_every_stored_text(
    client: httpx.AsyncClient, db_session: AsyncSession, field: str
) -> None:
    response = await client.post(PATH, json={**GOOD, field: "a\0@example.com"})

    [(location, name, _)] = rejected_fields(response)
    assert (location, name) == ("body", f"/{field}")
    assert await count_rows(db_session, User) == 0


@pytest.mark.parametrize("field", ["email", "password"])
async def test_the_error_names_a_missing_field(client: httpx.AsyncClient, field: str) -> None:
    body = {name: value for name, value in GOOD.items() if name != field}

    response = await client.post(PATH, json=body)

    assert rejected_fields(response) == [("body", f"/{field}", "required")]


@pytest.mark.parametrize(
    "email",
    [
        *("", "ada", "ada@", "@example.com", "ada@localhost", "a b@example.com"),
        *("a" * 250 + "@b.com", "Ada <ada@example.com>", "<ada@example.com>"),
    ],
)
async def test_an_invalid_email_is_refused(client: httpx.AsyncClient, email: str) -> None:
    response = await client.post(PATH, json={**GOOD, "email": email})

    assert_problem(response, 422, "validation_failed")


async def test_at_most_twenty_invalid_fields_are_listed(client: httpx.AsyncClient) -> None:
    body = {f"unknown-{number}": 1 for number in range(1000)}

    response = await client.post(PATH, json=body)

    assert len(rejected_fields(response)) == 20
    assert response.json()["detail"] == "At least 20 fields are invalid. See `errors`."


async def test_a_lone_surrogate_in_a_field_name_is_refused(client: httpx.AsyncClient) -> None:
    assert_problem(await post(client, b'{"\\ud800": 1}'), 422, "validation_failed")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "nonsense", None])
async def test_json_without_the_json_content_type_is_refused(
    client: httpx.AsyncClient, db_session: AsyncSession, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}

    response = await client.post(PATH, content=json.dumps(GOOD).encode(), headers=headers)

    assert_problem(response, 415, "unsupported_media_type")
    assert response.headers["accept"] == "application/json"
    assert PASSWORD not in response.text
    assert await count_rows(db_session, User) == 0


async def test_a_declared_body_over_the_limit_is_too_large(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    response = await post(client, b" " * (MEBIBYTE + 1))

    assert_problem(response, 413, "payload_too_large")
    assert await count_rows(db_session, User) == 0


async def test_a_chunked_body_over_the_limit_is_too_large(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * (MEBIBYTE // 16)

    response = await client.post(
        PATH, content=chunks(), headers={"Content-Type": "application/json"}
    )

    assert_problem(response, 413, "payload_too_large")
    assert await count_rows(db_session, User) == 0


async def test_a_body_of_exactly_the_limit_is_accepted(client: httpx.AsyncClient) -> None:
    good = json.dumps(GOOD).encode()

    response = await post(client, good + b" " * (MEBIBYTE - len(good)))

    assert response.status_code == 201
