"""The key source limits its requests, keeps known keys after errors, and drops retired keys."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from duet_common.testing.jwks import JwksOrigin, MemoryJwksStore
from duet_common.testing.tokens import TokenFactory
from duet_common.tokens import key_sources
from duet_common.tokens.errors import Refusal, TokenRefused
from duet_common.tokens.key_sources import JwksKeySource
from duet_common.tokens.verifier import TokenVerifier

COOL_DOWN = 5.0
URL = "https://auth.test/.well-known/jwks.json"


class FakeMonotonic:
    """A monotonic clock that a test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def factory() -> TokenFactory:
    return TokenFactory()


@pytest.fixture
def origin(factory: TokenFactory) -> JwksOrigin:
    return JwksOrigin(factory.jwks())


@pytest.fixture
def monotonic() -> FakeMonotonic:
    return FakeMonotonic()


@pytest.fixture
async def client(origin: JwksOrigin) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.MockTransport(origin)
    async with httpx.AsyncClient(transport=transport, follow_redirects=True) as client:
        yield client


@pytest.fixture
def source(client: httpx.AsyncClient, monotonic: FakeMonotonic) -> JwksKeySource:
    return JwksKeySource(
        URL, client, MemoryJwksStore(), cool_down=COOL_DOWN, refresh_every=3600, monotonic=monotonic
    )


class TestFetching:
    async def test_concurrent_callers_share_one_request(
        self, source: JwksKeySource, origin: JwksOrigin, factory: TokenFactory
    ) -> None:
        origin.gate.clear()
        callers = [asyncio.create_task(source.find(factory.key.kid)) for _ in range(50)]
        await origin.called()
        origin.gate.set()

        found = await asyncio.gather(*callers)

        assert {key.kid for key in found if key} == {factory.key.kid}
        assert None not in found
        assert len(origin.requests) == 1

    async def test_a_known_kid_is_found_without_another_request(
        self,
        source: JwksKeySource,
        origin: JwksOrigin,
        factory: TokenFactory,
        monotonic: FakeMonotonic,
    ) -> None:
        await source.find(factory.key.kid)
        monotonic.now += 10 * COOL_DOWN

        assert await source.find(factory.next_key.kid) is source.current(factory.next_key.kid)
        assert len(origin.requests) == 1

    async def test_unknown_kids_cause_one_request_per_cool_down(
        self, source: JwksKeySource, origin: JwksOrigin, monotonic: FakeMonotonic
    ) -> None:
        for number in range(100):
            assert await source.find(f"unknown-{number}") is None
        monotonic.now += COOL_DOWN - 0.001
        assert await source.find("unknown") is None
        assert len(origin.requests) == 1

        monotonic.now += 0.001
        assert await source.find("unknown") is None
        assert len(origin.requests) == 2

    async def test_a_failed_request_also_starts_the_cool_down(
        self, source: JwksKeySource, origin: JwksOrigin
    ) -> None:
        origin.error = httpx.ConnectError("refused")

        for _ in range(100):
            assert await source.find("unknown") is None

        assert len(origin.requests) == 1

    async def test_the_cool_down_is_a_fifth_as_long_until_a_key_is_known(
        self,
        source: JwksKeySource,
        origin: JwksOrigin,
        factory: TokenFactory,
        monotonic: FakeMonotonic,
    ) -> None:
        origin.error = httpx.ConnectError("auth has not started")
        assert await source.find(factory.key.kid) is None
        origin.error = None
        monotonic.now += COOL_DOWN / 5

        assert await source.find(factory.key.kid) is not None

    async def test_a_slow_fetch_times_out(
        self,
        source: JwksKeySource,
        origin: JwksOrigin,
        factory: TokenFactory,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(key_sources, "_MAX_FETCH_SECONDS", 0.01)
        origin.gate.clear()

        assert await source.find(factory.key.kid) is None

    async def test_the_first_request_is_not_delayed_at_monotonic_time_zero(
        self, source: JwksKeySource, factory: TokenFactory, monotonic: FakeMonotonic
    ) -> None:
        monotonic.now = 0.0

        assert await source.find(factory.key.kid) is not None

    async def test_current_sends_no_request(
        self, source: JwksKeySource, origin: JwksOrigin, factory: TokenFactory
    ) -> None:
        assert source.current(factory.key.kid) is None
        assert not source.has_keys
        assert not origin.requests

    async def test_cancelling_a_caller_does_not_cancel_the_fetch_for_the_others(
        self, source: JwksKeySource, origin: JwksOrigin, factory: TokenFactory
    ) -> None:
        origin.gate.clear()
        first = asyncio.create_task(source.find(factory.key.kid))
        await origin.called()
        second = asyncio.create_task(source.find(factory.key.kid))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        origin.gate.set()

        assert await second is not None
        assert len(origin.requests) == 1

    async def test_a_refresh_sends_the_etag_of_the_last_document(
        self,
        source: JwksKeySource,
        origin: JwksOrigin,
        factory: TokenFactory,
        monotonic: FakeMonotonic,
    ) -> None:
        origin.serves(200, factory.jwks(), ETag='"1"')
        await source.refresh()
        origin.serves(304, ETag='"1"')
        monotonic.now += COOL_DOWN
        await source.refresh()
        monotonic.now += COOL_DOWN
        await source.refresh()

        etags = [request.headers.get("If-None-Match") for request in origin.requests]
        assert etags == [None, '"1"', '"1"']
        assert source.current(factory.key.kid) is not None


OTHER_KEYS = TokenFactory().jwks()
BAD_RESPONSES = {
    "500": (500, b""),
    "503 with keys": (503, OTHER_KEYS),
    "404": (404, b"{}"),
    "204": (204, b""),
    "206 with keys": (206, OTHER_KEYS),
    "a redirect": (302, OTHER_KEYS),
    "empty": (200, b""),
    "HTML": (200, b"<!doctype html><p>Welcome to the captive portal</p>"),
    "no keys": (200, b'{"keys":[]}'),
    "no usable key": (200, b'{"keys":[{"kty":"OKP"}]}'),
    "truncated": (200, OTHER_KEYS[:-2]),
    "a private key": (200, OTHER_KEYS.replace(b'"x":', b'"d":"AQAB","x":')),
    "over 64 KiB": (200, OTHER_KEYS + b" " * 64 * 1024),
    "deeply nested": (200, b'{"keys":' + b"[" * 60_000),
}


class TestKnownKeys:
    @pytest.mark.parametrize(
        ("status", "content"), BAD_RESPONSES.values(), ids=BAD_RESPONSES.keys()
    )
    async def test_known_keys_are_kept_after_an_invalid_response(
        self,
        source: JwksKeySource,
        origin: JwksOrigin,
        factory: TokenFactory,
        monotonic: FakeMonotonic,
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

    @pytest.mark.parametrize(
        "error",
        [
            httpx.ConnectError("refused"),
            httpx.ReadTimeout(""),
            httpx.RemoteProtocolError("peer closed"),
            httpx.DecodingError("not gzip"),
            httpx.InvalidURL("bad"),
            OSError("too many open files"),
            RuntimeError("Cannot send a request, as the client has been closed."),
        ],
        ids=lambda error: type(error).__name__,
    )
    async def test_known_keys_are_kept_after_a_failed_request(
        self,
        source: JwksKeySource,
        origin: JwksOrigin,
        factory: TokenFactory,
        monotonic: FakeMonotonic,
        error: Exception,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        good = await source.find(factory.key.kid)
        origin.error = error
        monotonic.now += COOL_DOWN

        assert await source.find("unknown") is None

        assert source.current(factory.key.kid) is good
        assert "The previous 2 keys stay in use." in caplog.text
        assert type(error).__name__ in caplog.text

    async def test_keys_are_dropped_when_a_valid_response_no_longer_contains_them(
        self,
        source: JwksKeySource,
        origin: JwksOrigin,
        factory: TokenFactory,
        monotonic: FakeMonotonic,
    ) -> None:
        verifier = TokenVerifier(source, factory.policy, factory.clock)
        token = factory.access_token()
        await verifier.verify(token)
        rotated = TokenFactory()
        origin.serves(200, rotated.jwks())
        monotonic.now += COOL_DOWN

        await verifier.verify(rotated.access_token())
        with pytest.raises(TokenRefused) as refused:
            await verifier.verify(token)

        assert refused.value.reason == Refusal.UNKNOWN_KEY
        assert source.current(factory.key.kid) is None
