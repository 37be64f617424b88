"""Users for those with `users:read`: one by its id, all of them in keyset pages."""

import base64
import uuid
from datetime import UTC, datetime

import httpx
import pytest

from duet_common.db.keyset import Cursor
from duet_common.ids import new_id
from tests.support.auth_database import change_user
from tests.support.factories import make_user
from tests.support.problems import assert_problem
from tests.support.running_duet import Duet
from tests.support.users import log_in, register_user

USERS = "/api/v1/users"
CURSOR = Cursor(datetime(2026, 7, 1, tzinfo=UTC), uuid.UUID(int=7**40)).encode()


@pytest.fixture
async def reader(client: httpx.AsyncClient, duet: Duet) -> httpx.AsyncClient:
    """The client of somebody with `users:read`."""
    return await with_grant(client, duet, permissions=["users:read"])


async def with_grant(client: httpx.AsyncClient, duet: Duet, **grant: object) -> httpx.AsyncClient:
    registered_user = await register_user(client)
    await change_user(duet, registered_user.id, **grant)
    tokens = (await log_in(client, registered_user.email)).json()
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    return client


async def make_users(duet: Duet, number: int) -> set[str]:
    """Users made in one transaction, so all at the same instant."""
    async with duet.auth.runtime.database.transaction() as session:
        return {str((await make_user(session)).id) for _ in range(number)}


@pytest.mark.parametrize("path", [USERS, f"{USERS}/{uuid.UUID(int=0)}"])
@pytest.mark.parametrize("permissions", [[], ["users:write", "posts:moderate"]])
async def test_without_the_permission_users_are_not_shown(
    client: httpx.AsyncClient, duet: Duet, path: str, permissions: list[str]
) -> None:
    client = await with_grant(client, duet, permissions=permissions)

    response = await client.get(path)

    problem = assert_problem(response, 403, "permission_missing")
    assert problem["detail"] == "This requires the permission 'users:read'."
    assert (
        response.headers["www-authenticate"]
        == 'Bearer realm="duet", error="insufficient_scope", scope="users:read"'
    )


async def test_a_superuser_has_every_permission(client: httpx.AsyncClient, duet: Duet) -> None:
    superuser = await with_grant(client, duet, is_superuser=True)

    assert (await superuser.get(USERS)).status_code == 200


async def test_the_permission_of_an_ended_session_is_worth_nothing(
    reader: httpx.AsyncClient,
) -> None:
    await reader.post("/api/v1/auth/logout")

    assert_problem(await reader.get(USERS), 401, "invalid_token")


async def test_a_user_is_shown_as_to_itself(reader: httpx.AsyncClient) -> None:
    registered_user = await register_user(reader, first_name="Ada")

    response = await reader.get(f"{USERS}/{registered_user.id}")

    assert response.status_code == 200
    assert (
        response.json() == (await reader.get(f"{USERS}/me", headers=registered_user.headers)).json()
    )


async def test_an_unknown_user_is_not_found(reader: httpx.AsyncClient) -> None:
    assert_problem(await reader.get(f"{USERS}/{new_id()}"), 404, "user_not_found")


@pytest.mark.parametrize("path", ["not-a-uuid", "1", "%00", "me2"])
async def test_an_id_that_is_no_uuid_is_named(reader: httpx.AsyncClient, path: str) -> None:
    errors = assert_problem(await reader.get(f"{USERS}/{path}"), 422, "validation_failed")["errors"]

    assert isinstance(errors, list)
    assert [error["field"] for error in errors] == ["path.user_id"]


async def test_walking_the_pages_shows_every_user_once(
    reader: httpx.AsyncClient, duet: Duet
) -> None:
    made = await make_users(duet, 9)
    seen: list[str] = []
    sizes: list[int] = []
    following: str | None = f"{USERS}?limit=3"

    while following is not None:
        response = await reader.get(following)
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
    assert made < set(seen)


async def test_users_are_listed_newest_first(reader: httpx.AsyncClient) -> None:
    older, newer = await register_user(reader), await register_user(reader)

    items = (await reader.get(USERS)).json()["items"]

    assert [user["id"] for user in items[:2]] == [str(newer.id), str(older.id)]


async def test_a_page_that_ends_with_the_last_user_names_no_next(
    reader: httpx.AsyncClient, duet: Duet
) -> None:
    await make_users(duet, 2)

    response = await reader.get(USERS, params={"limit": 3})

    assert len(response.json()["items"]) == 3
    assert response.json()["next_cursor"] is None
    assert "link" not in response.headers


async def test_a_user_made_meanwhile_moves_no_page(reader: httpx.AsyncClient, duet: Duet) -> None:
    await make_users(duet, 4)
    first = (await reader.get(USERS, params={"limit": 3})).json()
    await register_user(reader)

    second = (await reader.get(USERS, params={"cursor": first["next_cursor"]})).json()

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
async def test_a_cursor_that_is_not_ours_is_refused(reader: httpx.AsyncClient, cursor: str) -> None:
    response = await reader.get(USERS, params={"cursor": cursor})

    assert_problem(response, 400, "invalid_cursor")


@pytest.mark.parametrize("instant", [-62135596800000000, 253402300799999999, 0])
async def test_a_cursor_at_the_edge_of_time_is_a_place(
    reader: httpx.AsyncClient, instant: int
) -> None:
    packed = instant.to_bytes(8, "big", signed=True) + b"\xff" * 16

    response = await reader.get(USERS, params={"cursor": base64.urlsafe_b64encode(packed).decode()})

    assert response.status_code == 200


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "1.5", "", "9" * 30])
async def test_a_limit_out_of_its_range_is_refused(reader: httpx.AsyncClient, limit: str) -> None:
    response = await reader.get(USERS, params={"limit": limit})

    assert_problem(response, 422, "validation_failed")


@pytest.mark.parametrize("limit", [1, 100])
async def test_the_edges_of_the_limit_are_allowed(reader: httpx.AsyncClient, limit: int) -> None:
    assert (await reader.get(USERS, params={"limit": limit})).status_code == 200
