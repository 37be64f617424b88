"""The snapshot of users from which a reader of the feed starts."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from duet_auth.events.schemas import SessionRevoked
from duet_common.ids import new_id
from duet_common.testing.clock import AdjustableClock
from tests.support.auth_database import update_user
from tests.support.events import BEARER, FeedClient, append
from tests.support.problems import rejected_fields
from tests.support.running_duet import Duet
from tests.support.users import register_user

SNAPSHOT = "/internal/users"
MAX_TOKEN_LIFETIME = timedelta(hours=1)


@pytest.fixture
async def internal(duet: Duet) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=duet.internal_url, headers=BEARER) as client:
        yield client


async def test_the_snapshot_contains_what_other_services_may_know(
    client: httpx.AsyncClient, internal: httpx.AsyncClient, duet: Duet
) -> None:
    user = await register_user(client, first_name="Ada")
    before = datetime(2026, 7, 1, 12, 0, 0, 7000, tzinfo=UTC)
    await update_user(duet, user.id, is_active=False, tokens_revoked_before=before)

    response = await internal.get(SNAPSHOT)

    page = response.json()
    assert page.keys() == {"users", "next_after", "cursor"}
    assert page["next_after"] is None
    assert page["users"] == [
        {
            "id": str(user.id),
            "first_name": "Ada",
            "last_name": None,
            "is_active": False,
            "tokens_revoked_before": "2026-07-01T12:00:00.007Z",
        }
    ]


async def test_a_user_whose_tokens_were_never_revoked_has_null(
    client: httpx.AsyncClient, internal: httpx.AsyncClient
) -> None:
    await register_user(client)

    (user,) = (await internal.get(SNAPSHOT)).json()["users"]

    assert user["tokens_revoked_before"] is None
    assert user["is_active"] is True


async def test_pages_contain_every_user_once_by_id(
    client: httpx.AsyncClient, internal: httpx.AsyncClient
) -> None:
    users = [await register_user(client) for _ in range(5)]

    found: list[str] = []
    parameters: dict[str, str | int] = {"limit": 2}
    sizes = []
    while True:
        page = (await internal.get(SNAPSHOT, params=parameters)).json()
        sizes.append(len(page["users"]))
        found += [user["id"] for user in page["users"]]
        if page["next_after"] is None:
            break
        assert page["next_after"] == found[-1]
        parameters["after"] = page["next_after"]

    assert sizes == [2, 2, 1]
    assert found == sorted(str(user.id) for user in users)


async def test_an_empty_snapshot_has_the_cursor_before_the_first_event(
    client: httpx.AsyncClient, internal: httpx.AsyncClient
) -> None:
    page = (await internal.get(SNAPSHOT)).json()
    user = await register_user(client)

    (event,) = await FeedClient(internal, page["cursor"]).next()

    assert page["users"] == []
    assert event["data"] == {"user_id": str(user.id), "first_name": None, "last_name": None}


async def test_a_change_after_the_first_page_follows_its_cursor(
    client: httpx.AsyncClient, internal: httpx.AsyncClient, clock: AdjustableClock
) -> None:
    users = sorted([await register_user(client) for _ in range(2)], key=lambda user: user.id)
    await FeedClient(internal).next()  # the registrations get their positions
    clock.advance(MAX_TOKEN_LIFETIME + timedelta(minutes=1))
    first = (await internal.get(SNAPSHOT, params={"limit": 1})).json()
    clock.reset()
    changed = await client.patch(
        "/api/v1/users/me", headers=users[0].headers, json={"first_name": "Ada"}
    )
    assert changed.status_code == 200

    (event,) = await FeedClient(internal, first["cursor"]).next()

    assert first["users"][0]["first_name"] is None
    assert (event["type"], event["data"]) == (
        "user.updated",
        {"user_id": str(users[0].id), "first_name": "Ada", "last_name": None},
    )


async def test_revocations_whose_tokens_may_still_be_valid_follow_the_cursor(
    duet: Duet, internal: httpx.AsyncClient, clock: AdjustableClock
) -> None:
    """The snapshot has no sessions, so a new reader has to read their events again."""
    revoked = SessionRevoked(user_id=new_id(), session_id=new_id())
    await append(duet, revoked)
    await FeedClient(internal).next()

    async def replayed() -> list[dict[str, object]]:
        cursor = (await internal.get(SNAPSHOT)).json()["cursor"]
        return await FeedClient(internal, cursor).next()

    assert [event["data"] for event in await replayed()] == [revoked.model_dump(mode="json")]
    clock.advance(MAX_TOKEN_LIFETIME + timedelta(seconds=5))
    assert await replayed() == []


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("limit", "0"), ("limit", "1001"), ("after", "1"), ("after", ""), ("page", "2")],
)
async def test_an_invalid_parameter_gets_422(
    internal: httpx.AsyncClient, parameter: str, value: str
) -> None:
    response = await internal.get(SNAPSHOT, params={parameter: value})

    assert [field for _, field, _ in rejected_fields(response)] == [parameter]
