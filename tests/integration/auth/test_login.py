"""Login takes an OAuth2 form and returns two tokens; all refused credentials look the same."""

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.passwords import hasher
from duet_auth.sessions.models import RefreshToken, UserSession
from duet_auth.users.models import User
from tests.support.auth_database import count_rows, update_user
from tests.support.problems import assert_problem, rejected_fields
from tests.support.running_duet import Duet
from tests.support.users import PASSWORD, log_in, register_user

PATH = "/api/v1/auth/login"
HEADERS_PER_REQUEST = {"date", "x-request-id", "x-process-time", "server-timing"}


async def test_a_login_returns_two_tokens_that_must_not_be_cached(
    client: httpx.AsyncClient,
) -> None:
    registered_user = await register_user(client)

    response = await log_in(client, registered_user.email)

    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"
    tokens = response.json()
    assert tokens.keys() == {
        *("access_token", "refresh_token", "token_type", "expires_in", "refresh_expires_in")
    }
    assert tokens["token_type"] == "bearer"
    assert tokens["expires_in"] == 10 * 60
    assert tokens["refresh_expires_in"] == 14 * 24 * 60 * 60
    assert len(tokens["refresh_token"]) == 43


async def test_the_access_token_of_a_login_identifies_the_user(client: httpx.AsyncClient) -> None:
    registered_user = await register_user(client, first_name="Ada")

    me = await client.get("/api/v1/users/me", headers=registered_user.headers)

    assert me.json()["id"] == str(registered_user.id)
    assert me.json()["full_name"] == "Ada"


async def test_each_login_starts_a_new_session(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    registered_user = await register_user(client)

    again = (await log_in(client, registered_user.email)).json()

    assert again["refresh_token"] != registered_user.refresh_token
    assert await count_rows(db_session, UserSession) == 2


async def test_the_email_is_case_insensitive(client: httpx.AsyncClient) -> None:
    registered_user = await register_user(client)

    assert (await log_in(client, registered_user.email.upper())).status_code == 200


SPELLINGS = [
    *(" ada@bücher.example\t", "ADA@Bücher.Example", "ada@xn--bcher-kva.example"),
    *("ada@bu\u0308cher.example", "ada@\uff42ücher\u3002example"),
]


@pytest.mark.parametrize("registered", SPELLINGS)
async def test_an_address_that_was_registered_logs_in_in_each_of_its_spellings(
    client: httpx.AsyncClient, registered: str
) -> None:
    user = await register_user(client, email=registered)

    for spelling in [registered, *SPELLINGS]:
        tokens = (await log_in(client, spelling)).json()
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        me = (await client.get("/api/v1/users/me", headers=headers)).json()
        assert (me["id"], me["email"]) == (str(user.id), "ada@bücher.example")


async def test_the_local_part_may_be_composed_or_decomposed(client: httpx.AsyncClient) -> None:
    await register_user(client, email="jose\u0301@example.com")

    assert (await log_in(client, "jos\u00e9@example.com")).status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        *("ada", "Ada <ada@example.com>", "ada@xn--a.example", "ada@localhost"),
        *("a\0@b.example", "x" * 1000 + "@example.com", "ada@example.com\n"),
        " " * 500_000 + "ada@example.com",
    ],
    ids=["name", "pretty", "punycode", "local", "nul", "long", "newline", "huge"],
)
async def test_an_invalid_address_is_refused_like_a_wrong_password(
    client: httpx.AsyncClient, text: str
) -> None:
    await register_user(client, email="ada@example.com")

    assert_problem(await log_in(client, text), 401, "invalid_credentials")


async def test_the_grant_type_and_an_empty_scope_are_accepted(client: httpx.AsyncClient) -> None:
    registered_user = await register_user(client)
    form = {
        "username": registered_user.email,
        "password": PASSWORD,
        "grant_type": "password",
        "scope": "",
    }

    assert (await client.post(PATH, data=form)).status_code == 200


async def test_unknown_inactive_and_wrong_password_get_the_same_response(
    client: httpx.AsyncClient, db_session: AsyncSession, duet: Duet
) -> None:
    active, inactive = await register_user(client), await register_user(client)
    await update_user(duet, inactive.id, is_active=False)
    sessions = await count_rows(db_session, UserSession)

    refusals = [
        await log_in(client, "nobody@example.com"),
        await log_in(client, active.email, "wrong password"),
        await log_in(client, inactive.email),
        await log_in(client, inactive.email, "wrong password"),
    ]

    bodies = [assert_problem(refusal, 401, "invalid_credentials") for refusal in refusals]
    headers = [
        [i for i in r.headers.multi_items() if i[0] not in HEADERS_PER_REQUEST] for r in refusals
    ]
    for body in bodies:
        del body["instance"]
    assert all(body == bodies[0] for body in bodies)
    assert all(header == headers[0] for header in headers)
    assert await count_rows(db_session, UserSession) == sessions


@pytest.mark.parametrize("case", ["right", "unknown", "wrong", "inactive", "nul", "invalid"])
async def test_every_login_hashes_exactly_once(
    client: httpx.AsyncClient, duet: Duet, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    registered_user = await register_user(client)
    await update_user(duet, registered_user.id, is_active=case != "inactive")
    email = {
        "unknown": "nobody@example.com",
        "nul": "a\0@example.com",
        "invalid": "nobody",
    }.get(case, registered_user.email)
    password = "wrong password" if case == "wrong" else PASSWORD
    calls: list[str] = []
    verify, hash_ = hasher._CONTEXT.verify_and_update, hasher._CONTEXT.hash

    def counting_verify(password: str, hashed: str) -> tuple[bool, str | None]:
        calls.append(hashed.split("$")[1])
        return verify(password, hashed)

    def counting_hash(password: str) -> str:
        calls.append("hash")
        return hash_(password)

    monkeypatch.setattr(hasher._CONTEXT, "verify_and_update", counting_verify)
    monkeypatch.setattr(hasher._CONTEXT, "hash", counting_hash)

    response = await log_in(client, email, password)

    assert response.status_code == (200 if case == "right" else 401)
    assert calls == ["argon2id"]


@pytest.mark.parametrize(
    "username",
    ["", "\0", "ada\0@example.com", "x" * 100_000, "ada", "' OR 1=1 --", "ada@exämple.com"],
)
async def test_a_malformed_username_is_refused_as_invalid_credentials(
    client: httpx.AsyncClient, username: str
) -> None:
    response = await log_in(client, username or " ")

    assert_problem(response, 401, "invalid_credentials")


@pytest.mark.parametrize("password", [" ", "\0", "x" * 5_000, "x" * 100_000, "🔑"])
async def test_an_unusual_password_is_refused_as_invalid_credentials(
    client: httpx.AsyncClient, password: str
) -> None:
    registered_user = await register_user(client)

    assert_problem(
        await log_in(client, registered_user.email, password), 401, "invalid_credentials"
    )


@pytest.mark.parametrize("percent", ["%ED%A0%80", "%FF", "%C3%28", "%00", "%"])
async def test_a_form_with_invalid_percent_encoding_is_refused(
    client: httpx.AsyncClient, percent: str
) -> None:
    body = f"username={percent}&password={percent}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    response = await client.post(PATH, content=body, headers=headers)

    assert response.status_code in {400, 401, 422}
    assert_problem(response, response.status_code, response.json()["code"])


@pytest.mark.parametrize(
    ("form", "missing"),
    [
        ({"username": "ada@example.com"}, ["password"]),
        ({"password": PASSWORD}, ["username"]),
        ({}, ["username", "password"]),
    ],
)
async def test_the_error_names_a_missing_field(
    client: httpx.AsyncClient, form: dict[str, str], missing: list[str]
) -> None:
    response = await client.post(PATH, data=form)

    assert rejected_fields(response) == [("body", f"/{name}", "required") for name in missing]
    assert response.json()["detail"].endswith(
        "This endpoint expects the OAuth2 form (application/x-www-form-urlencoded) "
        "with `username` and `password`."
    )


async def test_json_instead_of_a_form_is_refused(client: httpx.AsyncClient) -> None:
    registered_user = await register_user(client)

    response = await client.post(
        PATH, json={"username": registered_user.email, "password": PASSWORD}
    )

    assert_problem(response, 415, "unsupported_media_type")
    assert response.headers["accept"] == "application/x-www-form-urlencoded"
    assert PASSWORD not in response.text


async def test_a_file_instead_of_a_password_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post(
        PATH, data={"username": "ada@example.com"}, files={"password": b"secret words"}
    )

    assert_problem(response, 415, "unsupported_media_type")
    assert "secret words" not in response.text


async def test_a_multipart_form_is_refused_before_it_is_parsed(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}

    response = await client.post(PATH, content=b"--y\r\nnonsense", headers=headers)

    assert_problem(response, 415, "unsupported_media_type")


async def test_a_refused_login_stores_nothing(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    await log_in(client, "nobody@example.com")

    assert [await count_rows(db_session, model) for model in (User, UserSession, RefreshToken)] == [
        0,
        0,
        0,
    ]
