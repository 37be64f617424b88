"""Fixtures for auth's tests: fast password hashes, and services with a frozen clock."""

from collections.abc import AsyncIterator

import httpx
import pytest

from duet_auth.passwords import hasher
from duet_common.clock import utc_now
from duet_common.testing.clock import FrozenClock
from tests.support.running_duet import Duet, running_duet


@pytest.fixture(autouse=True)
def fast_password_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use argon2id at its lowest cost; `tests/unit/auth/test_hasher.py` tests the real cost."""
    low_cost = hasher._CONTEXT.copy(argon2__memory_cost=8, argon2__time_cost=1)
    monkeypatch.setattr(hasher, "_CONTEXT", low_cost)


@pytest.fixture(scope="session")
def session_frozen_clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def frozen_clock(session_frozen_clock: FrozenClock) -> FrozenClock:
    """The clock of `frozen_client`'s services, which only the test advances."""
    session_frozen_clock.now = utc_now().replace(microsecond=0)
    return session_frozen_clock


@pytest.fixture(scope="session")
async def session_frozen_duet(
    session_duet: Duet, session_frozen_clock: FrozenClock
) -> AsyncIterator[Duet]:
    async with running_duet(session_duet.urls, session_frozen_clock) as duet:
        yield duet


@pytest.fixture
async def frozen_client(
    duet: Duet, session_frozen_duet: Duet, frozen_clock: FrozenClock
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of two further services, which use `frozen_clock` and the same databases."""
    async with httpx.AsyncClient(base_url=session_frozen_duet.url) as client:
        yield client
