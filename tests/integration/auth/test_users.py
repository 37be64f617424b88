"""A caller with `users:read` reads one user by id and lists all users in keyset pages."""

import base64
import uuid
from datetime import UTC, datetime

import httpx
import pytest

from duet_common.db.keyset import Cursor
from duet_common.ids import new_id
from tests.support.auth_database import update_user
from tests.support.factories import make_user
from tests.support.problems import assert_problem, rejected_fields
from tests.support.running_duet import Duet
from tests.support.users import log_in, register_user

USERS = "/api/v1/users"
CURSOR = Cursor(datetime(2026, 7, 1, tzinfo=UTC), uuid.UUID(int=7**40)).encode()


@pytest.fixture
async def permitted_client(client: httpx.AsyncClient, duet: Duet) -> httpx.AsyncClient:
    """A client whose user has the permission `users:read`."""
    return await log_in_with(client, duet, permissions=["users:read"])


async def log_in_with(
    client: httpx.AsyncClient, duet: Duet, **columns: object
) -> httpx.AsyncClient:
    """Register a user, set columns such as `permissions`, and log the client in as this user."""
    registered_user = await register_user(client)
    await update_user(duet, registered_user.id, **columns)
    tokens = (await log_in(client, registered_user.email)).json()
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    return client


async def make_users(duet: Duet, number: int) -> set[str]:
    """Create users in one transaction, so that they share `created_at`; return their ids."""
    async with duet.auth.runtime.database.transaction() as session:
        return {str((await make_user(session)).id) for _ in range(number)}


@pytest.mark.parametrize("path", [USERS, f"{USERS}/{uuid.UUID(int=0)}"])
@pytest.mark.parametrize("permissions", [[], ["users:write", "posts:moderate"]])
async def test_users_are_hidden_from_callers_without_the_permission(
    client: httpx.AsyncClient, duet: Duet, path: str, permissions: list[str]
) -> None:
    client = await log_in_with(client, duet, permissions=permissions)

    response = await client.get(path)

    problem = assert_problem(response, 403, "permission_missing")
    assert problem["detail"] == "This requires the permission 'users:read'."
    assert (
        response.headers["www-authenticate"]
        == 'Bearer realm="duet", error="insufficient_scope", scope="users:read"'
    )


async def test_a_superuser_has_every_permission(client: httpx.AsyncClient, duet: Duet) -> None:
    superuser = await log_in_with(client, duet, is_superuser=True)

    assert (await superuser.get(USERS)).status_code == 200


async def test_the_token_of_an_ended_session_is_refused(
    permitted_client: httpx.AsyncClient,
) -> None:
    await permitted_client.post("/api/v1/auth/logout")

    assert_problem(await permitted_client.get(USERS), 401, "invalid_token")


async def test_a_caller_with_users_read_sees_what_the_user_sees(
    permitted_client: httpx.AsyncClient,
) -> None:
    registered_user = await register_user(permitted_client, first_name="Ada")

    response = await permitted_client.get(f"{USERS}/{registered_user.id}")

    assert response.status_code == 200
    assert (
        response.json()
        == (await permitted_client.get(f"{USERS}/me", headers=registered_user.headers)).json()
    )


async def test_an_unknown_user_is_not_found(permitted_client: httpx.AsyncClient) -> None:
    assert_problem(await permitted_client.get(f"{USERS}/{new_id()}"), 404, "user_not_found")


@pytest.mark.parametrize("path", ["not-a-uuid", "1", "%00", "me2"])
async def test_a_user_id_that_is_not_a_uuid_is_refused(
    permitted_client: httpx.AsyncClient, path: str
) -> None:
    response = await permitted_client.get(f"{USERS}/{path}")

    assert rejected_fields(response) == [("path", "user_id", "invalid_format")]


async def test_following_the_pages_returns_every_user_once(
    permitted_client: httpx.AsyncClient, duet: Duet
) -> None:
    created = await make_users(duet, 9)
    seen: list[str] = []
    sizes: list[int] = []
    following: str | None = f"{USERS}?limit=3"

    while following is not None:
        response = await permitted_client.get(following)
        page = response.json()
        seen += [user["id"] for user in page["items"]]
        sizes.append(len(page["items"]))
        link = response.links.get("next")
        following = link["url"] if link else None
        assert (page["next_cursor"] is None) == (following is None)
        if following is not None:
            assert following == f"{USERS}?limit=3&cursor={page['next_cursor']}"

    assert sizes == [3, 3, 3, 1]
    assert len(seen) == len(set(seen)) == 10
    assert created < set(seen)


async def test_users_are_listed_newest_first(permitted_client: httpx.AsyncClient) -> None:
    older, newer = await register_user(permitted_client), await register_user(permitted_client)

    items = (await permitted_client.get(USERS)).json()["items"]

    assert [user["id"] for user in items[:2]] == [str(newer.id), str(older.id)]


async def test_a_page_that_ends_with_the_last_user_has_no_next_cursor(
    permitted_client: httpx.AsyncClient, duet: Duet
) -> None:
    await make_users(duet, 2)

    response = await permitted_client.get(USERS, params={"limit": 3})

    assert len(response.json()["items"]) == 3
    assert response.json()["next_cursor"] is None
    assert "link" not in response.headers


async def test_a_new_user_does_not_shift_later_pages(
    permitted_client: httpx.AsyncClient, duet: Duet
) -> None:
    await make_users(duet, 4)
    first = (await permitted_client.get(USERS, params={"limit": 3})).json()
    await register_user(permitted_client)

    second = (await permitted_client.get(USERS, params={"cursor": first["next_cursor"]})).json()

    ids = [user["id"] for user in first["items"] + second["items"]]
    assert len(ids) == len(set(ids)) == 5


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "random text", "x" * 32, CURSOR[:-1], CURSOR[:-4], CURSOR + "AAAA", CURSOR + "="),
        base64.b64encode(b"\x7f" + b"\xff" * 23).decode(),
        base64.urlsafe_b64encode(b"\x80" + b"\0" * 23).decode(),
        *("+" * 32, "ü" * 32, "\0", CURSOR[:16] + "\n" + CURSOR[16:], CURSOR[:-1] + " "),
    ],
    ids=ascii,
)
async def test_an_invalid_cursor_is_refused(
    permitted_client: httpx.AsyncClient, cursor: str
) -> None:
    response = await permitted_client.get(USERS, params={"cursor": cursor})

    assert_problem(response, 400, "invalid_cursor")


@pytest.mark.parametrize("instant", [-62135596800000000, 253402300799999999, 0])
async def test_a_cursor_with_an_extreme_timestamp_is_accepted(
    permitted_client: httpx.AsyncClient, instant: int
) -> None:
    packed = instant.to_bytes(8, "big", signed=True) + b"\xff" * 16

    response = await permitted_client.get(
        USERS, params={"cursor": base64.urlsafe_b64encode(packed).decode()}
    )

    assert response.status_code == 200


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "1.5", "", "9" * 30])
async def test_a_limit_outside_its_range_is_refused(
    permitted_client: httpx.AsyncClient, limit: str
) -> None:
    response = await permitted_client.get(USERS, params={"limit": limit})

    assert_problem(response, 422, "validation_failed")


@pytest.mark.parametrize("limit", [1, 100])
async def test_the_minimum_and_the_maximum_limit_are_accepted(
    permitted_client: httpx.AsyncClient, limit: int
) -> None:
    assert (await permitted_client.get(USERS, params={"limit": limit})).status_code == 200
