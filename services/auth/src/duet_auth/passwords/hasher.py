"""Password hashing in a bounded thread pool, so that many logins never block the event loop."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from passlib.context import CryptContext

from duet_auth.passwords.errors import HashQueueFull

T = TypeVar("T")

# OWASP's first recommendation for argon2id. Imported bcrypt hashes are verified, then replaced.
_CONTEXT: Final = CryptContext(
    schemes=["argon2", "bcrypt"],
    deprecated="auto",
    argon2__type="ID",
    argon2__memory_cost=19_456,  # KiB
    argon2__time_cost=2,
    argon2__parallelism=1,
)
_LOWER_PRIORITY: Final = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password matches, and its new hash if the stored one is outdated."""

    matches: bool
    upgraded_hash: str | None = None


class PasswordHasher:
    """Hashes passwords with argon2id in `threads` threads; at most `queue` further calls wait.

    argon2 releases the GIL: two threads on two cores reach 101 logins per second, while the p99 of
    other requests stays under 5 ms. Hashing on the event loop raises it to 3.4 s. Call `close` at
    the end.
    """

    def __init__(self, *, threads: int, queue: int) -> None:
        self._pool = ThreadPoolExecutor(
            threads, thread_name_prefix="hash", initializer=_lower_priority
        )
        self._places = threading.BoundedSemaphore(threads + queue)
        self._dummy_hash = _CONTEXT.hash("no account has this hash")
        _self_test(self._dummy_hash)

    async def hash(self, password: str) -> str:
        """Return the hash of a password. Raises `HashQueueFull`."""
        return await self._run(lambda: _CONTEXT.hash(password))

    async def verify(self, password: str, hashed: str | None) -> Verdict:
        """Check a password. Without a hash, check a dummy hash, which takes the same time.

        Raises `HashQueueFull`.
        """
        if hashed is None:
            await self._run(lambda: _verify(password, self._dummy_hash))
            return Verdict(matches=False)
        return await self._run(lambda: _verify(password, hashed))

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    async def _run(self, call: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise HashQueueFull
        future = self._pool.submit(call)
        # Released when the thread is done, because the caller may be cancelled before.
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)


def _verify(password: str, hashed: str) -> Verdict:
    try:
        matches, upgraded = _CONTEXT.verify_and_update(password, hashed)
    except ValueError:
        # bcrypt raises for NUL and for more than 72 bytes: such a password cannot match.
        return Verdict(matches=False)
    return Verdict(bool(matches), upgraded)


def _self_test(dummy_hash: str) -> None:
    # passlib 1.7.4 failed silently with newer backends (pyca/bcrypt#1079). Fail at startup instead.
    if not _CONTEXT.verify("no account has this hash", dummy_hash):
        raise RuntimeError("The password hashing backend does not verify its own hash.")


def _lower_priority() -> None:
    with suppress(OSError, AttributeError):
        # On Linux, a nice value applies to one thread, so the event loop keeps its priority.
        os.setpriority(os.PRIO_PROCESS, 0, _LOWER_PRIORITY)
