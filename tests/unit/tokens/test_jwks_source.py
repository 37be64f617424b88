"""The key source asks seldom, keeps good keys whatever happens, and forgets retired ones."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from duet_common.testing.tokens import TokenFactory
from duet_common.tokens.errors import InvalidKey
from duet_common.tokens.jose import JoseKey
from duet_common.tokens.sources import FileKeySource, JwksKeySource
from duet_common.tokens.verifier import TokenVerifier

COOL_DOWN = 5.0
URL = "https://auth.test/.well-known/jwks.json"
Answer = Callable[[httpx.Request], httpx.Response]


class Origin:
    """auth, as the key source sees it: what it answers can be changed; `gate` holds it back."""

    def __init__(self, document: bytes) -> None:
        self.requests: list[httpx.Request] = []
        self.answer: Answer = lambda _: httpx.Response(200, content=document)
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.asked.set()
        await self.gate.wait()
        return self.answer(request)

    def serves(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.answer = lambda _: httpx.Response(status, content=content, headers=headers)

    def fails(self, error: Exception) -> None:
        def answer(_: httpx.Request) -> httpx.Response:
            raise error

        self.answer = answer


class Store:
    """A `JwksStore` in memory that fails while `error` is set."""

    def __init__(self, document: bytes | None = None) -> None:
        self.document = document
        self.error: Exception | None = None
        self.saves = 0
        self.asked = asyncio.Event()

    async def load(self) -> bytes | None:
        if self.error is not None:
            raise self.error
        return self.document

    async def save(self, document: bytes) -> None:
        self.saves += 1
        self.asked.set()
        if self.error is not None:
            raise self.error
        self.document = document


class Monotonic:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def factory() -> TokenFactory:
    return TokenFactory()


@pytest.fixture
def origin(factory: TokenFactory) -> Origin:
    return Origin(factory.jwks())


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def monotonic() -> Monotonic:
    return Monotonic()


@pytest.fixture
async def client(origin: Origin) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.MockTransport(origin)
    async with httpx.AsyncClient(transport=transport, follow_redirects=True) as client:
        yield client


@pytest.fixture
def source(client: httpx.AsyncClient, store: Store, monotonic: Monotonic) -> JwksKeySource:
    return JwksKeySource(
        URL, client, store, cool_down=COOL_DOWN, refresh_every=3600, monotonic=monotonic
    )


@asynccontextmanager
async def started(source: JwksKeySource) -> AsyncIterator[JwksKeySource]:
    await source.start()
    try:
        yield source
    finally:
        await source.stop()


class TestAsking:
    async def test_fifty_callers_share_one_request(
        self, source: JwksKeySource, origin: Origin, factory: TokenFactory
    ) -> None:
        origin.gate.clear()
        callers = [asyncio.create_task(source.find(factory.key.kid)) for _ in range(50)]
        await origin.asked.wait()
        origin.gate.set()

        found = await asyncio.gather(*callers)

        assert {key.kid for key in found if key} == {factory.key.kid}
        assert None not in found
        assert len(origin.requests) == 1

    async def test_a_known_kid_asks_nobody(
        self, source: JwksKeySource, origin: Origin, factory: TokenFactory, monotonic: Monotonic
    ) -> None:
        await source.find(factory.key.kid)
        monotonic.now += 10 * COOL_DOWN

        assert await source.find(factory.next_key.kid) is source.current(factory.next_key.kid)
        assert len(origin.requests) == 1

    async def test_unknown_kids_cause_one_request_in_a_cool_down(
        self, source: JwksKeySource, origin: Origin, monotonic: Monotonic
    ) -> None:
        for number in range(100):
            assert await source.find(f"unknown-{number}") is None
        monotonic.now += COOL_DOWN - 0.001
        assert await source.find("unknown") is None
        assert len(origin.requests) == 1

        monotonic.now += 0.001
        assert await source.find("unknown") is None
        assert len(origin.requests) == 2

    async def test_a_failure_cools_down_like_a_success(
        self, source: JwksKeySource, origin: Origin
    ) -> None:
        origin.fails(httpx.ConnectError("refused"))

        for _ in range(100):
            assert await source.find("unknown") is None

        assert len(origin.requests) == 1

    async def test_the_first_request_needs_no_waiting_even_at_time_zero(
        self, source: JwksKeySource, factory: TokenFactory, monotonic: Monotonic
    ) -> None:
        monotonic.now = 0.0

        assert await source.find(factory.key.kid) is not None

    async def test_current_asks_nobody(
        self, source: JwksKeySource, origin: Origin, factory: TokenFactory
    ) -> None:
        assert source.current(factory.key.kid) is None
        assert not source.has_keys
        assert not origin.requests

    async def test_a_caller_that_goes_away_leaves_the_fetch_to_the_others(
        self, source: JwksKeySource, origin: Origin, factory: TokenFactory
    ) -> None:
        origin.gate.clear()
        first = asyncio.create_task(source.find(factory.key.kid))
        await origin.asked.wait()
        second = asyncio.create_task(source.find(factory.key.kid))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        origin.gate.set()

        assert await second is not None
        assert len(origin.requests) == 1

    async def test_an_unchanged_document_is_not_sent_again(
        self, source: JwksKeySource, origin: Origin, factory: TokenFactory, monotonic: Monotonic
    ) -> None:
        origin.serves(200, factory.jwks(), ETag='"1"')
        await source.refresh()
        origin.serves(304, ETag='"1"')
        monotonic.now += COOL_DOWN
        await source.refresh()
        monotonic.now += COOL_DOWN
        await source.refresh()

        asked = [request.headers.get("If-None-Match") for request in origin.requests]
        assert asked == [None, '"1"', '"1"']
        assert source.current(factory.key.kid) is not None


def bad_answers() -> Iterator[tuple[str, int, bytes]]:
    other = TokenFactory()
    private = other.jwks().replace(b'"x":', b'"d":"AQAB","x":')
    yield "500", 500, b""
    yield "503 with keys", 503, other.jwks()
    yield "404", 404, b"{}"
    yield "204", 204, b""
    yield "201 with keys", 201, other.jwks()
    yield "206 with keys", 206, other.jwks()
    yield "a redirect", 302, other.jwks()
    yield "empty", 200, b""
    yield "HTML", 200, b"<!doctype html><p>Welcome to the captive portal</p>"
    yield "no keys", 200, b'{"keys":[]}'
    yield "no usable key", 200, b'{"keys":[{"kty":"OKP"}]}'
    yield "cut off", 200, other.jwks()[:-2]
    yield "a private key", 200, private
    yield "over 64 KiB", 200, other.jwks() + b" " * 64 * 1024
    yield "nested deeply", 200, b'{"keys":' + b"[" * 60_000


class TestKeepingGoodKeys:
    @pytest.mark.parametrize(
        ("status", "content"), [answer[1:] for answer in bad_answers()], ids=[a[0] for a in bad_answers()]
    )
    async def test_whatever_is_answered(
        self,
        source: JwksKeySource,
        origin: Origin,
        store: Store,
        factory: TokenFactory,
        monotonic: Monotonic,
        status: int,
        content: bytes,
    ) -> None:
        good = await source.find(factory.key.kid)
        origin.serves(status, content, Location="https://evil.test/jwks.json", ETag='"bad"')
        for _ in range(2):
            monotonic.now += COOL_DOWN
            await source.refresh()

        assert source.current(factory.key.kid) is good
        assert len(origin.requests) == 3
        assert "If-None-Match" not in origin.requests[-1].headers
        assert store.document in (None, factory.jwks())

    @pytest.mark.parametrize(
        "error",
        [
            httpx.ConnectError("refused"),
            httpx.ReadTimeout(""),
            httpx.RemoteProtocolError("peer closed"),
            httpx.DecodingError("not gzip"),
            httpx.InvalidURL("bad"),
            OSError("out of files"),
            RuntimeError("Cannot send a request, as the client has been closed."),
        ],
        ids=lambda error: type(error).__name__,
    )
    async def test_whatever_goes_wrong(
        self,
        source: JwksKeySource,
        origin: Origin,
        factory: TokenFactory,
        monotonic: Monotonic,
        error: Exception,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        good = await source.find(factory.key.kid)
        origin.fails(error)
        monotonic.now += COOL_DOWN

        assert await source.find("unknown") is None

        assert source.current(factory.key.kid) is good
        assert "keeping 2 keys" in caplog.text
        assert type(error).__name__ in caplog.text

    async def test_and_retired_keys_go_with_the_next_good_answer(
        self, source: JwksKeySource, origin: Origin, factory: TokenFactory, monotonic: Monotonic
    ) -> None:
        verifier = TokenVerifier(source, factory.policy, factory.clock)
        token = factory.access_token()
        await verifier.verify(token)
        rotated = TokenFactory()
        origin.serves(200, rotated.jwks())
        monotonic.now += COOL_DOWN

        assert (await verifier.verify(rotated.access_token())).permissions == frozenset()

        assert source.current(factory.key.kid) is None
        assert source.has_keys
