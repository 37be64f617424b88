"""Hashing: argon2id off the loop, old hashes upgraded, a full queue refused at once."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from passlib.hash import bcrypt

from duet_auth.passwords import hasher
from duet_auth.passwords.errors import HashQueueFull
from duet_auth.passwords.hasher import PasswordHasher, Verdict


@pytest.fixture
def passwords() -> Iterator[PasswordHasher]:
    """One thread, and no place to wait."""
    passwords = PasswordHasher(threads=1, queue=0)
    yield passwords
    passwords.close()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Hashing waits until the test opens it."""
    gate = threading.Event()

    def hash_(password: str) -> str:
        assert gate.wait(10)
        return f"hash of {password}"

    monkeypatch.setattr(hasher._CONTEXT, "hash", hash_)
    yield gate
    gate.set()


async def test_a_hash_is_argon2id_with_owasps_parameters(passwords: PasswordHasher) -> None:
    hashed = await passwords.hash("a password")

    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_password_is_hashed_with_a_salt_of_its_own(passwords: PasswordHasher) -> None:
    assert await passwords.hash("a password") != await passwords.hash("a password")


async def test_a_verdict_tells_right_from_wrong(passwords: PasswordHasher) -> None:
    hashed = await passwords.hash("a password")

    assert await passwords.verify("a password", hashed) == Verdict(matches=True)
    assert await passwords.verify("A password", hashed) == Verdict(matches=False)


@pytest.mark.parametrize("password", ["no account has this hash", "a password", ""])
async def test_without_a_hash_no_password_is_right(
    passwords: PasswordHasher, password: str
) -> None:
    assert await passwords.verify(password, None) == Verdict(matches=False)


async def test_bcrypt_is_accepted_and_comes_back_upgraded(passwords: PasswordHasher) -> None:
    verdict = await passwords.verify("a password", bcrypt.using(rounds=4).hash("a password"))

    assert verdict.matches
    assert verdict.upgraded_hash is not None
    assert await passwords.verify("a password", verdict.upgraded_hash) == Verdict(matches=True)


async def test_weaker_argon2_comes_back_upgraded(passwords: PasswordHasher) -> None:
    weak = hasher._CONTEXT.using(argon2__time_cost=1).hash("a password")

    verdict = await passwords.verify("a password", weak)

    assert verdict.matches
    assert verdict.upgraded_hash is not None
    assert "m=19456,t=2" in verdict.upgraded_hash


@pytest.mark.parametrize("password", ["a" * 73, "a" * 72 + "\0", "ä" * 37, "\ud800"])
async def test_what_bcrypt_cannot_hash_is_wrong(passwords: PasswordHasher, password: str) -> None:
    hashed = bcrypt.using(rounds=4).hash("a" * 72)

    assert await passwords.verify(password, hashed) == Verdict(matches=False)


async def test_a_full_queue_refuses_at_once(
    passwords: PasswordHasher, gate: threading.Event
) -> None:
    first = asyncio.create_task(passwords.hash("first"))
    await asyncio.sleep(0)

    with pytest.raises(HashQueueFull) as raised:
        await passwords.hash("second")

    assert raised.value.status == 503
    assert raised.value.headers == {"Retry-After": "1"}
    gate.set()
    assert await first == "hash of first"
    assert await passwords.hash("third") == "hash of third"


async def test_the_loop_goes_on_while_a_thread_hashes(
    passwords: PasswordHasher, gate: threading.Event
) -> None:
    # On the loop, this would wait for a gate that only the loop opens.
    hashing = asyncio.create_task(passwords.hash("slow"))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not hashing.done()

    gate.set()

    assert await hashing == "hash of slow"


async def test_a_place_is_kept_until_the_thread_is_done_not_the_caller(
    passwords: PasswordHasher, gate: threading.Event
) -> None:
    caller = asyncio.create_task(passwords.hash("first"))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller

    with pytest.raises(HashQueueFull):
        await passwords.hash("second")


async def test_a_failure_gives_its_place_back(
    passwords: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> str:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(hasher._CONTEXT, "hash", fail)
        for _ in range(2):
            with pytest.raises(MemoryError):
                await passwords.hash("x")

    assert (await passwords.hash("x")).startswith("$argon2id$")


def test_a_broken_backend_fails_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hasher._CONTEXT, "verify", lambda *_: False)

    with pytest.raises(RuntimeError, match="does not verify its own hash"):
        PasswordHasher(threads=1, queue=1)
