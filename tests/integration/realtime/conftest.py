"""A content that trusts a token factory's key, and goes by a clock that stands still."""

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

Serve = Callable[..., AbstractAsyncContextManager[Duet]]


@pytest.fixture(scope="session")
def session_frozen_clock() -> FrozenClock:
    return FrozenClock(utc_now().replace(microsecond=0))


@pytest.fixture
def clock(session_frozen_clock: FrozenClock) -> Iterator[FrozenClock]:
    began = session_frozen_clock.now
    yield session_frozen_clock
    session_frozen_clock.now = began


@pytest.fixture(scope="session")
def session_tokens(session_frozen_clock: FrozenClock) -> TokenFactory:
    return TokenFactory(session_frozen_clock)


@pytest.fixture
def tokens(session_tokens: TokenFactory, clock: FrozenClock) -> TokenFactory:
    """Signs what the content of `trusting` and of `serve` accepts."""
    return session_tokens


@pytest.fixture(scope="session")
def serve(
    database_urls: DatabaseUrls,
    session_frozen_clock: FrozenClock,
    session_tokens: TokenFactory,
    tmp_path_factory: pytest.TempPathFactory,
) -> Serve:
    """Runs a pair of its own, with settings of content changed."""
    jwks: Path = tmp_path_factory.mktemp("keys") / "jwks.json"
    jwks.write_bytes(session_tokens.jwks())

    def served(**content: Any) -> AbstractAsyncContextManager[Duet]:
        return running_duet(
            database_urls, session_frozen_clock, content={"jwks_file": jwks, **content}
        )

    return served


@pytest.fixture(scope="session")
async def session_trusting(serve: Serve) -> AsyncIterator[Duet]:
    async with serve(ws_allowed_origins=["https://app.example.com"]) as duet:
        yield duet


@pytest.fixture
def trusting(session_trusting: Duet, clock: FrozenClock) -> Duet:
    """A pair that is running already, whose hub is as the test before left it: empty."""
    return session_trusting


def hub_of(duet: Duet) -> Hub:
    hub: Hub = duet.content.runtime.hub
    return hub
