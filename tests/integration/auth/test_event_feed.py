"""The feed returns events in one order, wakes waiting readers, and refuses other histories."""

import asyncio
import base64
import struct
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import asyncpg
import httpx
import pytest

from duet_auth.events import feed as feed_module
from duet_auth.events.position import START, Position
from duet_auth.events.schemas import KeyRevoked, SessionRevoked, UserDeleted, UserRegistered
from duet_common.clock import utc_now
from duet_common.ids import new_id
from duet_common.testing.clock import AdjustableClock
from tests.support.auth_database import session_id_in
from tests.support.events import BEARER, FEED, FeedClient, append
from tests.support.pgbouncer import pgbouncer
from tests.support.problems import assert_problem, rejected_fields
from tests.support.running_duet import EVENTS_TOKEN, Duet, running_duet
from tests.support.temporary_databases import migrated_databases
from tests.support.users import register_user

SNAPSHOT = "/internal/users"
SOME_ID = uuid.UUID("0198c0de-0000-7000-8000-000000000000")


@pytest.fixture
async def internal(duet: Duet) -> AsyncIterator[httpx.AsyncClient]:
    """A client of auth's internal paths, without a credential."""
    async with httpx.AsyncClient(base_url=duet.internal_url, timeout=30) as client:
        yield client


@pytest.fixture
def feed(internal: httpx.AsyncClient) -> FeedClient:
    return FeedClient(internal)


async def until_waiting(duet: Duet, count: int) -> None:
    """Return when this many requests wait for an event."""
    async with asyncio.timeout(10):
        waiting = duet.auth.runtime.feed.waiting
        while waiting != count:
            await asyncio.sleep(0.01)  # there is no event to wait for
            waiting = duet.auth.runtime.feed.waiting


def deleted_users(count: int) -> list[UserDeleted]:
    return [UserDeleted(user_id=new_id()) for _ in range(count)]


def users_of(events: list[dict[str, object]]) -> list[object]:
    """Return the user ids of events."""
    datas = [event["data"] for event in events]
    return [data["user_id"] for data in datas if isinstance(data, dict)]


def ids_of(events: list[UserDeleted]) -> list[str]:
    return [str(event.user_id) for event in events]


async def test_a_registration_and_a_logout_arrive_in_their_order(
    client: httpx.AsyncClient, feed: FeedClient
) -> None:
    started = utc_now() - timedelta(seconds=1)
    user = await register_user(client, first_name="Ada")
    await client.post("/api/v1/auth/logout", headers=user.headers)

    registered, revoked = await feed.next()

    assert registered["type"] == "user.registered"
    assert registered["data"] == {
        "user_id": str(user.id),
        "first_name": "Ada",
        "last_name": None,
    }
    assert revoked["type"] == "session.revoked"
    session_id = str(session_id_in(user.access_token))
    assert revoked["data"] == {"user_id": str(user.id), "session_id": session_id}
    for event in (registered, revoked):
        assert event.keys() == {"id", "type", "at", "data"}
        assert uuid.UUID(str(event["id"])).version == 7
        assert str(event["at"]).endswith("Z")
        assert started <= datetime.fromisoformat(str(event["at"])) <= utc_now()
    assert await feed.next() == []


async def test_pages_continue_after_their_cursor(duet: Duet, feed: FeedClient) -> None:
    written = deleted_users(25)
    await append(duet, *written)

    pages = [await feed.next(limit=10) for _ in range(4)]

    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert users_of([event for page in pages for event in page]) == ids_of(written)


async def test_a_page_without_events_repeats_the_cursor(duet: Duet, feed: FeedClient) -> None:
    assert await feed.next() == []
    first = feed.cursor
    assert await feed.next() == []
    assert feed.cursor == first

    written = deleted_users(1)
    await append(duet, *written)
    assert users_of(await feed.next()) == ids_of(written)


async def test_the_default_limit_is_100(duet: Duet, feed: FeedClient) -> None:
    await append(duet, *deleted_users(101))

    assert len((await feed.get()).json()["events"]) == 100


async def test_two_waiting_readers_are_both_woken_at_once(
    duet: Duet, internal: httpx.AsyncClient
) -> None:
    readers = [FeedClient(internal), FeedClient(internal)]
    waiting = [asyncio.create_task(reader.next(wait=25)) for reader in readers]
    await until_waiting(duet, 2)

    written = deleted_users(1)
    started = asyncio.get_running_loop().time()
    await append(duet, *written)

    assert [users_of(await task) for task in waiting] == [ids_of(written)] * 2
    assert asyncio.get_running_loop().time() - started < 2
    assert duet.auth.runtime.feed.waiting == 0


async def test_a_wait_ends_without_events_after_its_time(feed: FeedClient) -> None:
    started = asyncio.get_running_loop().time()

    assert await feed.next(wait=0.3) == []

    assert 0.3 <= asyncio.get_running_loop().time() - started < 5


async def test_waiting_requests_hold_no_database_connection(
    duet: Duet, internal: httpx.AsyncClient
) -> None:
    """There are more of them than connections."""
    reader = FeedClient(internal)
    await reader.next()
    waiting = [
        asyncio.create_task(FeedClient(internal, reader.cursor).next(wait=25)) for _ in range(40)
    ]
    await until_waiting(duet, 40)

    async with asyncio.timeout(5):
        pools = duet.auth.runtime.database.pools
        while pools["read"].in_use or pools["write"].in_use:
            await asyncio.sleep(0.01)  # there is no event to wait for
            pools = duet.auth.runtime.database.pools

    await append(duet, *deleted_users(1))
    assert [len(await task) for task in waiting] == [1] * 40


async def test_more_waiting_requests_than_the_maximum_get_503(
    duet: Duet, internal: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "MAX_WAITING", 1)
    waiting = asyncio.create_task(FeedClient(internal).next(wait=25))
    await until_waiting(duet, 1)

    refused = await FeedClient(internal).get(wait=25)
    at_once = await FeedClient(internal).get(wait=0)

    assert_problem(refused, 503, "too_many_waiting_requests")
    assert refused.headers["retry-after"] == "1"
    assert at_once.status_code == 200
    await append(duet, *deleted_users(1))
    assert len(await waiting) == 1


async def test_a_request_stops_waiting_when_its_client_disconnects(duet: Duet) -> None:
    async with httpx.AsyncClient(base_url=duet.internal_url) as client:
        waiting = asyncio.create_task(FeedClient(client).next(wait=25))
        await until_waiting(duet, 1)
        waiting.cancel()
        await asyncio.wait({waiting})

    await until_waiting(duet, 0)


async def test_a_draining_service_answers_waiting_requests_at_once(
    duet: Duet, clock: AdjustableClock
) -> None:
    async with (
        running_duet(duet.urls, clock) as own_duet,
        httpx.AsyncClient(base_url=own_duet.internal_url) as client,
    ):
        waiting = asyncio.create_task(FeedClient(client).get(wait=25))
        await until_waiting(own_duet, 1)

        await own_duet.auth.drain.run(0)

        async with asyncio.timeout(2):
            response = await waiting
        assert (response.status_code, response.json()["events"]) == (200, [])
        assert response.headers["connection"] == "close"


async def test_a_server_stops_while_a_request_waits(duet: Duet, clock: AdjustableClock) -> None:
    started = asyncio.get_running_loop().time()
    async with (
        httpx.AsyncClient() as client,
        running_duet(duet.urls, clock) as own_duet,
    ):
        client.base_url = httpx.URL(own_duet.internal_url)
        waiting = asyncio.create_task(FeedClient(client).get(wait=25))
        await until_waiting(own_duet, 1)

    assert (await waiting).status_code == 200
    assert asyncio.get_running_loop().time() - started < 15


async def test_events_are_still_delivered_after_the_listener_has_lost_its_connection(
    duet: Duet, feed: FeedClient
) -> None:
    await feed.next()
    connection = await asyncpg.connect(duet.urls.auth)
    waiting = asyncio.create_task(feed.next(wait=25))
    await until_waiting(duet, 1)

    killed = await connection.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE application_name = 'duet-auth-events' AND datname = current_database()"
    )
    await append(duet, *deleted_users(1))
    await connection.close()

    assert killed >= 1
    async with asyncio.timeout(3):
        assert len(await waiting) == 1


async def test_waiting_requests_poll_behind_a_pooler(
    postgres_url: str, clock: AdjustableClock
) -> None:
    async with (
        migrated_databases(postgres_url) as urls,
        pgbouncer(urls.auth, connections=2) as (pooled,),
    ):
        settings = {"database_url": pooled, "AUTH_DATABASE_URL": pooled, "database_pooler": True}
        async with (
            running_duet(urls, clock, auth=settings) as own_duet,
            httpx.AsyncClient(base_url=own_duet.internal_url) as client,
        ):
            waiting = asyncio.create_task(FeedClient(client).next(wait=25))
            await until_waiting(own_duet, 1)
            await append(own_duet, *deleted_users(1))
            async with asyncio.timeout(3):
                assert len(await waiting) == 1


class TestCredential:
    @pytest.mark.parametrize("path", [FEED, SNAPSHOT])
    @pytest.mark.parametrize(
        "header",
        [
            None,
            b"",
            b"Bearer",
            b"Bearer wrong",
            b"Bearer " + EVENTS_TOKEN[:-1].encode(),
            b"Bearer " + EVENTS_TOKEN.encode() + b"x",
            b"Basic " + EVENTS_TOKEN.encode(),
            "Bearer sécret-ü-0123456789012345678901234".encode(),
            b"Bearer \xff\xfe\xfd",
        ],
    )
    async def test_a_missing_or_wrong_credential_gets_401(
        self, internal: httpx.AsyncClient, path: str, header: bytes | None
    ) -> None:
        headers = [] if header is None else [(b"Authorization", header)]

        response = await internal.get(path, headers=headers)

        assert_problem(response, 401, "invalid_events_token")

    async def test_a_users_access_token_is_not_a_credential(
        self, client: httpx.AsyncClient, internal: httpx.AsyncClient
    ) -> None:
        user = await register_user(client)

        assert_problem(await internal.get(FEED, headers=user.headers), 401, "invalid_events_token")

    async def test_the_credential_is_not_an_access_token(self, client: httpx.AsyncClient) -> None:
        assert_problem(await client.get("/api/v1/users/me", headers=BEARER), 401, "invalid_token")

    @pytest.mark.parametrize("path", [FEED, SNAPSHOT])
    async def test_without_the_setting_there_is_no_feed(
        self, duet: Duet, clock: AdjustableClock, path: str
    ) -> None:
        async with (
            running_duet(duet.urls, clock, auth={"events_token": None}) as own_duet,
            httpx.AsyncClient(base_url=own_duet.internal_url) as client,
        ):
            for headers in (BEARER, {}, {"Authorization": "Bearer None"}):
                assert_problem(await client.get(path, headers=headers), 404, "not_found")

    async def test_readers_are_not_limited(self, duet: Duet, clock: AdjustableClock) -> None:
        limited = {"rate_limit_enabled": True, "rate_limit_address": 1, "rate_limit_principal": 1}
        async with (
            running_duet(duet.urls, clock, auth=limited) as own_duet,
            httpx.AsyncClient(base_url=own_duet.internal_url, headers=BEARER) as client,
        ):
            statuses = [(await client.get(path)).status_code for path in [FEED, SNAPSHOT] * 5]

        assert statuses == [200] * 10


def encoded(seq: int, id_: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(struct.pack(">q16s", seq, id_.bytes)).decode()


class TestCursors:
    @pytest.mark.parametrize(
        "cursor",
        [
            "",
            "x",
            "=" * 32,
            "ü" * 32,
            "A" * 31,
            "A" * 36,
            "A" * 5000,
            "A" * 31 + "\n",
            START.encode() + "A",
            encoded(-1, SOME_ID),
            encoded(0, SOME_ID),
            str(SOME_ID),
            "1",
        ],
    )
    async def test_a_malformed_cursor_gets_400(self, feed: FeedClient, cursor: str) -> None:
        assert_problem(await feed.get(after=cursor), 400, "invalid_cursor")

    @pytest.mark.parametrize("seq", [1, 2, 3, 4, 1000, 2**63 - 1])
    async def test_a_forged_or_future_cursor_gets_410(
        self, duet: Duet, feed: FeedClient, seq: int
    ) -> None:
        await append(duet, *deleted_users(3))
        await feed.next()

        response = await feed.get(after=encoded(seq, new_id()), wait=25)

        assert_problem(response, 410, "events_cursor_expired")

    async def test_a_cursor_of_another_history_gets_410(self, duet: Duet, feed: FeedClient) -> None:
        """As after a restore of the database: the same numbers belong to other events."""
        await append(duet, *deleted_users(3))
        await feed.next()
        connection = await asyncpg.connect(duet.urls.auth)
        await connection.execute("TRUNCATE events")
        await connection.close()

        assert_problem(await feed.get(after=feed.cursor), 410, "events_cursor_expired")
        await append(duet, *deleted_users(5))
        assert_problem(await feed.get(after=feed.cursor), 410, "events_cursor_expired")
        assert len((await feed.get()).json()["events"]) == 5

    def test_a_cursor_is_decoded_to_what_was_encoded(self) -> None:
        for position in (START, Position(1, new_id()), Position(2**63 - 1, new_id())):
            assert Position.decode(position.encode()) == position


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("wait", "-1"),
        ("wait", "25.1"),
        ("wait", "nan"),
        ("wait", "inf"),
        ("wait", "soon"),
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "1001"),
        ("limit", "1.5"),
        ("limit", "many"),
        ("unknown", "1"),
    ],
)
async def test_a_parameter_out_of_range_gets_422(
    feed: FeedClient, parameter: str, value: str
) -> None:
    response = await feed.get(**{parameter: value})

    assert [field for _, field, _ in rejected_fields(response)] == [parameter]


async def test_events_of_every_type_are_returned_as_they_were_written(
    duet: Duet, feed: FeedClient
) -> None:
    events = [
        UserRegistered(user_id=new_id(), first_name='Ünï "code" 🦉', last_name=None),
        SessionRevoked(user_id=new_id(), session_id=new_id()),
        KeyRevoked(kid="a" * 43),
    ]
    await append(duet, *events)

    received = await feed.next()

    assert [(event["type"], event["data"]) for event in received] == [
        (event.type, event.model_dump(mode="json")) for event in events
    ]
