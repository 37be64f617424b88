"""Each change that other services have to know about writes its event, and nothing else does."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.events.schemas import SessionRevoked, UserDeleted
from duet_auth.events.service import EventService
from duet_auth.users.errors import EmailTaken
from duet_common.ids import new_id
from duet_common.testing.clock import FrozenClock
from tests.support.auth_database import session_id_in
from tests.support.events import WrittenEvent, written_events
from tests.support.problems import assert_problem
from tests.support.refresh import next_refresh_token, refresh
from tests.support.running_duet import Duet
from tests.support.users import PASSWORD, RegisteredUser, log_in, new_email, register_user

Events = Callable[[], Awaitable[list[WrittenEvent]]]
REGISTERED = "user.registered"
AFTER_THE_GRACE_PERIOD = timedelta(seconds=10, microseconds=1)


@pytest.fixture
def events(db_session: AsyncSession) -> Events:
    """Return the events after the registrations."""
    return lambda: written_events(db_session, but=REGISTERED)


async def another_session(client: httpx.AsyncClient, user: RegisteredUser) -> str:
    """Log the user in again, and return the id of the new session."""
    return str(session_id_in((await log_in(client, user.email)).json()["access_token"]))


def session_id(user: RegisteredUser) -> str:
    return str(session_id_in(user.access_token))


def revoked(user: RegisteredUser, session: str) -> WrittenEvent:
    return WrittenEvent("session.revoked", {"user_id": str(user.id), "session_id": session})


async def test_a_registration_writes_the_names_of_the_user(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    user = await register_user(client, first_name="Ada")

    assert await written_events(db_session) == [
        (REGISTERED, {"user_id": str(user.id), "first_name": "Ada", "last_name": None})
    ]


async def test_a_refused_registration_writes_no_event(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    user = await register_user(client)

    taken = await client.post(
        "/api/v1/auth/register", json={"email": user.email, "password": PASSWORD}
    )

    assert_problem(taken, 409, "email_taken")
    assert len(await written_events(db_session)) == 1


async def test_a_change_of_names_writes_both_names(
    client: httpx.AsyncClient, events: Events
) -> None:
    user = await register_user(client, first_name="Ada", last_name="Byron")

    await client.patch("/api/v1/users/me", headers=user.headers, json={"last_name": "Lovelace"})

    names = {"first_name": "Ada", "last_name": "Lovelace"}
    assert await events() == [("user.updated", {"user_id": str(user.id), **names})]


@pytest.mark.parametrize("changes", [{}, {"first_name": "Ada"}])
async def test_a_patch_that_changes_no_name_writes_no_event(
    client: httpx.AsyncClient, events: Events, changes: dict[str, str]
) -> None:
    user = await register_user(client, first_name="Ada")

    patched = await client.patch("/api/v1/users/me", headers=user.headers, json=changes)

    assert patched.status_code == 200
    assert await events() == []


async def test_a_deletion_writes_user_deleted(client: httpx.AsyncClient, events: Events) -> None:
    user = await register_user(client)

    await client.delete("/api/v1/users/me", headers=user.headers)

    assert await events() == [("user.deleted", {"user_id": str(user.id)})]


async def test_a_logout_writes_the_session_that_it_ended(
    client: httpx.AsyncClient, events: Events
) -> None:
    user = await register_user(client)
    await another_session(client, user)

    await client.post("/api/v1/auth/logout", headers=user.headers)

    assert await events() == [revoked(user, session_id(user))]


async def test_concurrent_logouts_write_one_event(
    client: httpx.AsyncClient, events: Events
) -> None:
    user = await register_user(client)

    await asyncio.gather(
        *(client.post("/api/v1/auth/logout", headers=user.headers) for _ in range(8))
    )

    assert await events() == [revoked(user, session_id(user))]


async def test_logging_out_everywhere_writes_one_event_per_session_that_had_not_ended(
    client: httpx.AsyncClient, events: Events
) -> None:
    user = await register_user(client)
    ended = await another_session(client, user)
    await client.delete(f"/api/v1/users/me/sessions/{ended}", headers=user.headers)
    live = [session_id(user), await another_session(client, user)]

    await client.post("/api/v1/auth/logout-all", headers=user.headers)

    first, *others = await events()
    assert first == revoked(user, ended)
    assert sorted(others, key=str) == sorted((revoked(user, id_) for id_ in live), key=str)


async def test_an_unknown_session_writes_no_event(
    client: httpx.AsyncClient, events: Events
) -> None:
    user = await register_user(client)

    response = await client.delete(f"/api/v1/users/me/sessions/{new_id()}", headers=user.headers)

    assert_problem(response, 404, "session_not_found")
    assert await events() == []


async def test_a_new_password_writes_the_other_sessions(
    client: httpx.AsyncClient, events: Events
) -> None:
    user = await register_user(client)
    other = await another_session(client, user)

    await client.put(
        "/api/v1/users/me/password",
        headers=user.headers,
        json={"current_password": PASSWORD, "new_password": f"new {PASSWORD}"},
    )

    assert await events() == [revoked(user, other)]


async def test_the_reuse_of_a_refresh_token_writes_its_session(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock, events: Events
) -> None:
    user = await register_user(frozen_client)
    await next_refresh_token(frozen_client, user.refresh_token)
    assert await events() == []
    frozen_clock.advance(AFTER_THE_GRACE_PERIOD)

    for _ in range(2):
        response = await refresh(frozen_client, user.refresh_token)
        assert_problem(response, 401, "invalid_refresh_token")

    assert await events() == [revoked(user, session_id(user))]


async def test_a_change_that_is_rolled_back_writes_no_event(
    duet: Duet, db_session: AsyncSession
) -> None:
    async def fail_after_the_event() -> None:
        async with duet.auth.runtime.database.transaction() as session:
            await EventService(session).append(UserDeleted(user_id=new_id()))
            raise EmailTaken

    with pytest.raises(EmailTaken):
        await fail_after_the_event()

    assert await written_events(db_session) == []


async def test_events_of_one_transaction_keep_their_order(
    duet: Duet, db_session: AsyncSession
) -> None:
    user_id = new_id()
    ended = [SessionRevoked(user_id=user_id, session_id=new_id()) for _ in range(500)]

    async with duet.auth.runtime.database.transaction() as session:
        await EventService(session).append(*ended)
        await EventService(session).append(UserDeleted(user_id=user_id))

    *sessions, last = await written_events(db_session)
    assert [event.data["session_id"] for event in sessions] == [str(e.session_id) for e in ended]
    assert last.type == "user.deleted"


async def test_a_registration_without_names_has_nulls(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    body = {"email": new_email(), "password": PASSWORD}
    user_id = (await client.post("/api/v1/auth/register", json=body)).json()["id"]

    (event,) = await written_events(db_session)

    assert event.data == {"user_id": user_id, "first_name": None, "last_name": None}
