"""Login upgrades outdated password hashes and hashes outside the event loop."""

import asyncio
import threading

import httpx
import pytest
from passlib.hash import bcrypt
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.passwords import hasher
from duet_auth.users.models import User
from tests.support.auth_database import update_user
from tests.support.problems import assert_problem
from tests.support.running_duet import Duet
from tests.support.users import PASSWORD, log_in, register_user


def bcrypt_hash(password: str) -> str:
    return str(bcrypt.using(rounds=4).hash(password))


async def stored_hash(session: AsyncSession, email: str) -> str:
    query = select(User.hashed_password).where(User.email == email)
    return (await session.execute(query)).scalar_one()


async def test_a_bcrypt_hash_is_accepted_and_upgraded(
    client: httpx.AsyncClient, duet: Duet, db_session: AsyncSession
) -> None:
    registered_user = await register_user(client)
    await update_user(duet, registered_user.id, hashed_password=bcrypt_hash("an older password"))

    assert (await log_in(client, registered_user.email, "an older password")).status_code == 200

    assert (await stored_hash(db_session, registered_user.email)).startswith("$argon2id$")
    assert (await log_in(client, registered_user.email, "an older password")).status_code == 200


async def test_a_wrong_password_does_not_upgrade_the_hash(
    client: httpx.AsyncClient, duet: Duet, db_session: AsyncSession
) -> None:
    registered_user = await register_user(client)
    hashed = bcrypt_hash("an older password")
    await update_user(duet, registered_user.id, hashed_password=hashed)

    assert_problem(await log_in(client, registered_user.email), 401, "invalid_credentials")

    assert await stored_hash(db_session, registered_user.email) == hashed


@pytest.mark.parametrize("longer", ["a" * 73, "a" * 72 + "\0", "ä" * 37])
async def test_a_password_over_72_bytes_does_not_match_a_bcrypt_hash(
    client: httpx.AsyncClient, duet: Duet, longer: str
) -> None:
    registered_user = await register_user(client)
    await update_user(duet, registered_user.id, hashed_password=bcrypt_hash("a" * 72))

    assert_problem(await log_in(client, registered_user.email, longer), 401, "invalid_credentials")
    assert (await log_in(client, registered_user.email, "a" * 72)).status_code == 200


@pytest.mark.parametrize("stored", ["!", "", "$argon2id$broken", "$2b$04$short"])
async def test_an_invalid_hash_matches_no_password(
    client: httpx.AsyncClient, duet: Duet, stored: str
) -> None:
    registered_user = await register_user(client)
    await update_user(duet, registered_user.id, hashed_password=stored)

    assert_problem(
        await log_in(client, registered_user.email, stored or "x"), 401, "invalid_credentials"
    )


async def test_a_login_is_refused_if_the_password_changes_meanwhile(
    client: httpx.AsyncClient, duet: Duet, monkeypatch: pytest.MonkeyPatch, db_session: AsyncSession
) -> None:
    """Otherwise the upgrade of the bcrypt hash would restore the old password."""
    registered_user = await register_user(client)
    await update_user(duet, registered_user.id, hashed_password=bcrypt_hash("the old password"))
    verify = hasher._verify
    begun, changed = threading.Event(), threading.Event()

    def slow_verify(password: str, hashed: str) -> hasher.Verdict:
        verdict = verify(password, hashed)
        if password == "the old password":
            begun.set()
            changed.wait(10)
        return verdict

    monkeypatch.setattr(hasher, "_verify", slow_verify)
    login = asyncio.create_task(log_in(client, registered_user.email, "the old password"))
    await asyncio.to_thread(begun.wait, 10)
    new_hash = hasher._CONTEXT.hash(PASSWORD)
    await update_user(duet, registered_user.id, hashed_password=new_hash)
    changed.set()

    assert_problem(await login, 401, "invalid_credentials")
    assert await stored_hash(db_session, registered_user.email) == new_hash


async def test_concurrent_logins_all_succeed_during_the_upgrade(
    client: httpx.AsyncClient, duet: Duet
) -> None:
    registered_user = await register_user(client)
    await update_user(duet, registered_user.id, hashed_password=bcrypt_hash("an older password"))

    responses = await asyncio.gather(
        *(log_in(client, registered_user.email, "an older password") for _ in range(4))
    )

    assert [response.status_code for response in responses] == [200] * 4


async def test_a_full_hash_queue_refuses_logins_and_no_other_requests(
    authenticated_client: httpx.AsyncClient, duet: Duet, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(hasher._CONTEXT, "hash", lambda _: str(release.wait(10)))
    settings, passwords = duet.auth.runtime.settings, duet.auth.runtime.hasher
    capacity = settings.hash_threads + settings.hash_queue
    hashing = [asyncio.create_task(passwords.hash("x")) for _ in range(capacity)]
    await asyncio.sleep(0)  # every task takes its place in the queue

    refused = await log_in(authenticated_client, "ada@example.com")
    me = await authenticated_client.get("/api/v1/users/me")
    release.set()
    await asyncio.gather(*hashing)

    assert_problem(refused, 503, "hash_queue_full")
    assert refused.headers["retry-after"] == "1"
    assert me.status_code == 200
    assert (await log_in(authenticated_client, me.json()["email"])).status_code == 200
