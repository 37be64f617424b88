"""Passwords are hashed with argon2id in threads. Old hashes are upgraded, a full queue refuses."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from passlib.hash import bcrypt

from duet_auth.passwords import hasher
from duet_auth.passwords.errors import HashQueueFull
from duet_auth.passwords.hasher import PasswordHasher, Verdict


@pytest.fixture
def password_hasher() -> Iterator[PasswordHasher]:
    """A hasher with one thread and no room for waiting calls."""
    password_hasher = PasswordHasher(threads=1, queue=0)
    yield password_hasher
    password_hasher.close()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Make hashing wait until the test sets the event."""
    gate = threading.Event()

    def hash_(password: str) -> str:
        assert gate.wait(10)
        return f"hash of {password}"

    monkeypatch.setattr(hasher._CONTEXT, "hash", hash_)
    yield gate
    gate.set()


async def test_a_password_is_hashed_with_argon2id_and_owasp_parameters(
    password_hasher: PasswordHasher,
) -> None:
    hashed = await password_hasher.hash("a password")

    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_each_hash_has_its_own_salt(password_hasher: PasswordHasher) -> None:
    assert await password_hasher.hash("a password") != await password_hasher.hash("a password")


async def test_only_the_right_password_matches(password_hasher: PasswordHasher) -> None:
    hashed = await password_hasher.hash("a password")

    assert await password_hasher.verify("a password", hashed) == Verdict(matches=True)
    assert await password_hasher.verify("A password", hashed) == Verdict(matches=False)


@pytest.mark.parametrize("password", ["no account has this hash", "a password", ""])
async def test_no_password_matches_a_missing_hash(
    password_hasher: PasswordHasher, password: str
) -> None:
    assert await password_hasher.verify(password, None) == Verdict(matches=False)


async def test_a_bcrypt_hash_is_accepted_and_upgraded(password_hasher: PasswordHasher) -> None:
    verdict = await password_hasher.verify("a password", bcrypt.using(rounds=4).hash("a password"))

    assert verdict.matches
    assert verdict.upgraded_hash is not None
    assert await password_hasher.verify("a password", verdict.upgraded_hash) == Verdict(
        matches=True
    )


async def test_an_argon2_hash_with_weaker_parameters_is_upgraded(
    password_hasher: PasswordHasher,
) -> None:
    weak = hasher._CONTEXT.using(argon2__time_cost=1).hash("a password")

    verdict = await password_hasher.verify("a password", weak)

    assert verdict.matches
    assert verdict.upgraded_hash is not None
    assert "m=19456,t=2" in verdict.upgraded_hash


@pytest.mark.parametrize("password", ["a" * 73, "a" * 72 + "\0", "ä" * 37, "\ud800"])
async def test_a_password_that_bcrypt_cannot_hash_does_not_match(
    password_hasher: PasswordHasher, password: str
) -> None:
    hashed = bcrypt.using(rounds=4).hash("a" * 72)

    assert await password_hasher.verify(password, hashed) == Verdict(matches=False)


async def test_hashing_is_refused_with_503_while_the_queue_is_full(
    password_hasher: PasswordHasher, gate: threading.Event
) -> None:
    first = asyncio.create_task(password_hasher.hash("first"))
    await asyncio.sleep(0)

    with pytest.raises(HashQueueFull) as raised:
        await password_hasher.hash("second")

    assert raised.value.status == 503
    assert raised.value.headers == {"Retry-After": "1"}
    gate.set()
    assert await first == "hash of first"
    assert await password_hasher.hash("third") == "hash of third"


async def test_hashing_does_not_block_the_event_loop(
    password_hasher: PasswordHasher, gate: threading.Event
) -> None:
    # On the event loop, hashing would wait for an event that only the loop sets.
    hashing = asyncio.create_task(password_hasher.hash("slow"))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not hashing.done()

    gate.set()

    assert await hashing == "hash of slow"


async def test_a_cancelled_call_keeps_its_place_until_its_thread_finishes(
    password_hasher: PasswordHasher, gate: threading.Event
) -> None:
    caller = asyncio.create_task(password_hasher.hash("first"))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller

    with pytest.raises(HashQueueFull):
        await password_hasher.hash("second")


async def test_a_failed_call_frees_its_place(
    password_hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> str:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(hasher._CONTEXT, "hash", fail)
        for _ in range(2):
            with pytest.raises(MemoryError):
                await password_hasher.hash("x")

    assert (await password_hasher.hash("x")).startswith("$argon2id$")


def test_a_hasher_with_a_broken_backend_cannot_be_created(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hasher._CONTEXT, "verify", lambda *_: False)

    with pytest.raises(RuntimeError, match="does not verify its own hash"):
        PasswordHasher(threads=1, queue=1)
