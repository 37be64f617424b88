"""Fixtures for WebSocket tests: services that trust the keys of `tokens` and use a frozen clock."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from duet_common.clock import utc_now
from duet_common.testing.clock import FrozenClock
from duet_common.testing.tokens import TokenFactory
from duet_content.realtime.hub import Hub
from duet_standalone.databases import DatabaseUrls
from tests.support.running_duet import Duet, running_duet

RunDuet = Callable[..., AbstractAsyncContextManager[Duet]]


@pytest.fixture(scope="session")
def session_frozen_clock() -> FrozenClock:
    return FrozenClock(utc_now().replace(microsecond=0))


@pytest.fixture
def clock(session_frozen_clock: FrozenClock) -> Iterator[FrozenClock]:
    """The clock of the services and of `tokens`, reset after each test."""
    start = session_frozen_clock.now
    yield session_frozen_clock
    session_frozen_clock.now = start


@pytest.fixture(scope="session")
def session_tokens(session_frozen_clock: FrozenClock) -> TokenFactory:
    return TokenFactory(session_frozen_clock)


@pytest.fixture
def tokens(session_tokens: TokenFactory, clock: FrozenClock) -> TokenFactory:
    """A factory of tokens that the services of `frozen_duet` and `run_duet` accept."""
    return session_tokens


@pytest.fixture(scope="session")
def run_duet(
    database_urls: DatabaseUrls,
    session_frozen_clock: FrozenClock,
    session_tokens: TokenFactory,
    tmp_path_factory: pytest.TempPathFactory,
) -> RunDuet:
    """Return a function that runs two further services with other settings of content."""
    jwks: Path = tmp_path_factory.mktemp("keys") / "jwks.json"
    jwks.write_bytes(session_tokens.jwks())

    def run(**content: Any) -> AbstractAsyncContextManager[Duet]:
        return running_duet(
            database_urls, session_frozen_clock, content={"jwks_file": jwks, **content}
        )

    return run


@pytest.fixture(scope="session")
async def session_frozen_duet(run_duet: RunDuet) -> AsyncIterator[Duet]:
    async with run_duet(allowed_origins=["https://app.example.com"]) as duet:
        yield duet


@pytest.fixture
def frozen_duet(session_frozen_duet: Duet, clock: FrozenClock) -> Duet:
    """Services that run for the whole test session; every test must leave their hub empty."""
    return session_frozen_duet


def hub_of(duet: Duet) -> Hub:
    hub: Hub = duet.content.runtime.hub
    return hub
