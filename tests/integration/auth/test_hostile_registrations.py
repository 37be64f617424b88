"""Whatever body arrives at registration, the answer is a problem, tells no secret, stores nothing.

Registration stands for every endpoint with a body: they share one parser and one error handler.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.users.models import User
from tests.support.auth_database import count
from tests.support.problems import assert_problem
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
        *("brace", "no-value", "cut-off", "no-utf8", "bad-utf8-in-text", "deep-list"),
        *("deep-object", "huge-int", "single-quotes", "nul"),
    ],
)
async def test_a_body_that_cannot_be_parsed_is_malformed(
    client: httpx.AsyncClient, db_session: AsyncSession, body: bytes
) -> None:
    response = await post(client, body)

    assert_problem(response, 400, "malformed_body")
    assert await count(db_session, User) == 0


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"1", b'"text"', b"{}", b"NaN", b"[[[[[[]]]]]]"]
)
async def test_a_body_that_is_no_registration_is_refused(
    client: httpx.AsyncClient, db_session: AsyncSession, body: bytes
) -> None:
    response = await post(client, body)

    assert_problem(response, 422, "validation_failed")
    assert await count(db_session, User) == 0


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
async def test_a_field_that_is_not_what_it_should_be_is_named(
    client: httpx.AsyncClient, db_session: AsyncSession, field: str, value: object
) -> None:
    response = await post(client, json.dumps({**GOOD, field: value}).encode())

    errors = assert_problem(response, 422, "validation_failed")["errors"]
    assert isinstance(errors, list)
    assert [error["field"] for error in errors] == [f"body.{field}"]
    assert PASSWORD not in response.text
    assert await count(db_session, User) == 0


@pytest.mark.parametrize("field", ["email", "first_name", "last_name"])
async def test_nul_is_refused_in_every_text_that_is_stored(
    client: httpx.AsyncClient, db_session: AsyncSession, field: str
) -> None:
    response = await client.post(PATH, json={**GOOD, field: "a\0@example.com"})

    errors = assert_problem(response, 422, "validation_failed")["errors"]
    assert isinstance(errors, list)
    assert [error["field"] for error in errors] == [f"body.{field}"]
    assert await count(db_session, User) == 0


@pytest.mark.parametrize("field", ["email", "password"])
async def test_a_missing_field_is_named(client: httpx.AsyncClient, field: str) -> None:
    body = {name: value for name, value in GOOD.items() if name != field}

    errors = assert_problem(await client.post(PATH, json=body), 422, "validation_failed")["errors"]

    assert isinstance(errors, list)
    assert [(error["field"], error["code"]) for error in errors] == [(f"body.{field}", "missing")]


@pytest.mark.parametrize(
    "email",
    [
        *("", "ada", "ada@", "@example.com", "ada@localhost", "a b@example.com"),
        *("a" * 250 + "@b.com", "Ada <ada@example.com>", "<ada@example.com>"),
    ],
)
async def test_what_is_no_email_is_refused(client: httpx.AsyncClient, email: str) -> None:
    response = await client.post(PATH, json={**GOOD, "email": email})

    assert_problem(response, 422, "validation_failed")


async def test_an_answer_is_not_as_long_as_the_caller_likes(client: httpx.AsyncClient) -> None:
    body = {f"unknown-{number}": 1 for number in range(1000)}

    response = await client.post(PATH, json=body)

    problem = assert_problem(response, 422, "validation_failed")
    assert problem["detail"] == "1002 invalid field(s)"
    assert isinstance(problem["errors"], list)
    assert len(problem["errors"]) == 20


async def test_a_surrogate_in_a_name_is_answered_too(client: httpx.AsyncClient) -> None:
    assert_problem(await post(client, b'{"\\ud800": 1}'), 422, "validation_failed")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "nonsense", None])
async def test_json_must_say_that_it_is_json(
    client: httpx.AsyncClient, db_session: AsyncSession, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}

    response = await client.post(PATH, content=json.dumps(GOOD).encode(), headers=headers)

    assert_problem(response, 422, "validation_failed")
    assert PASSWORD not in response.text
    assert await count(db_session, User) == 0


async def test_a_declared_body_over_the_limit_is_too_large(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    response = await post(client, b" " * (MEBIBYTE + 1))

    assert_problem(response, 413, "payload_too_large")
    assert await count(db_session, User) == 0


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
    assert await count(db_session, User) == 0


async def test_a_body_of_just_the_limit_is_read(client: httpx.AsyncClient) -> None:
    good = json.dumps(GOOD).encode()

    response = await post(client, good + b" " * (MEBIBYTE - len(good)))

    assert response.status_code == 201
