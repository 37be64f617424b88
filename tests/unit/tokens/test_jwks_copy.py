"""Keys come from a stored copy while auth is down, and are refreshed until the source stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from duet_common.testing.jwks import JwksOrigin, MemoryJwksStore
from duet_common.testing.tokens import TokenFactory
from duet_common.tokens.errors import InvalidKey
from duet_common.tokens.key_sources import FileKeySource, JwksKeySource
from duet_common.tokens.verifier import TokenVerifier
from tests.support.started_tasks import StartedTasks

DOWN = httpx.ConnectError("refused")


@pytest.fixture
def factory() -> TokenFactory:
    return TokenFactory()


@pytest.fixture
def origin(factory: TokenFactory) -> JwksOrigin:
    return JwksOrigin(factory.jwks())


@asynccontextmanager
async def started(
    origin: JwksOrigin,
    store: MemoryJwksStore,
    *,
    cool_down: float = 5.0,
    refresh_every: float = 3600.0,
) -> AsyncIterator[JwksKeySource]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(origin)) as client:
        source = JwksKeySource(
            "https://auth.test/.well-known/jwks.json",
            client,
            store,
            cool_down=cool_down,
            refresh_every=refresh_every,
        )
        await source.start()
        try:
            yield source
        finally:
            await source.stop()


class TestTheStoredCopy:
    async def test_verifies_tokens_while_auth_is_down(
        self, factory: TokenFactory, origin: JwksOrigin
    ) -> None:
        origin.error = DOWN
        async with started(origin, MemoryJwksStore(factory.jwks())) as source:
            verifier = TokenVerifier(source, factory.policy, factory.clock)

            assert source.has_keys
            await verifier.verify(factory.access_token())
            await origin.called()
            await source.refresh()
            await verifier.verify(factory.access_token())

    async def test_is_saved_unchanged_after_the_first_fetch(
        self, factory: TokenFactory, origin: JwksOrigin
    ) -> None:
        store = MemoryJwksStore()
        async with started(origin, store):
            await store.called()

        assert store.document == factory.jwks()

    async def test_is_replaced_by_the_keys_that_auth_publishes(self, origin: JwksOrigin) -> None:
        retired = TokenFactory()
        store = MemoryJwksStore(retired.jwks())
        async with started(origin, store) as source:
            await store.called()

            assert source.current(retired.key.kid) is None

    async def test_is_not_saved_again_while_the_keys_are_unchanged(
        self, factory: TokenFactory, origin: JwksOrigin
    ) -> None:
        store = MemoryJwksStore(factory.jwks())
        async with started(origin, store, cool_down=0, refresh_every=0):
            await origin.called(5)

        assert store.calls == 0

    async def test_is_saved_after_a_store_failure_even_if_auth_responds_with_304(
        self, factory: TokenFactory, origin: JwksOrigin
    ) -> None:
        store = MemoryJwksStore()
        store.error = OSError("no database")
        origin.serves(200, factory.jwks(), ETag='"1"')
        async with started(origin, store, cool_down=0, refresh_every=0) as source:
            await store.called()
            origin.serves(304)
            assert await source.find(factory.key.kid) is not None
            store.error = None
            await store.called(store.calls + 1)

        assert store.document == factory.jwks()

    @pytest.mark.parametrize("document", [b"", b"{}", b"\xff", b'{"keys":[{"d":"x"}]}'])
    async def test_is_ignored_and_replaced_if_it_is_invalid(
        self, factory: TokenFactory, origin: JwksOrigin, document: bytes
    ) -> None:
        store = MemoryJwksStore(document)
        async with started(origin, store) as source:
            assert await source.find(factory.key.kid) is not None
            await store.called()

        assert store.document == factory.jwks()

    async def test_is_not_required_if_the_store_fails(
        self, factory: TokenFactory, origin: JwksOrigin
    ) -> None:
        store = MemoryJwksStore()
        store.error = OSError("no database")
        async with started(origin, store) as source:
            await store.called()

            assert await source.find(factory.key.kid) is not None

    async def test_does_not_delay_requests_if_the_store_hangs(
        self, factory: TokenFactory, origin: JwksOrigin
    ) -> None:
        store = MemoryJwksStore()
        store.gate.clear()
        async with started(origin, store, cool_down=0) as source:
            await store.called()

            assert await source.find(factory.key.kid) is not None
            assert await source.find("unknown") is None


class TestRefreshing:
    async def test_begins_before_the_first_request(
        self, factory: TokenFactory, origin: JwksOrigin
    ) -> None:
        async with started(origin, store := MemoryJwksStore()) as source:
            await store.called()

            assert source.current(factory.key.kid) is not None

    async def test_finds_the_next_key_before_a_token_uses_it(self, origin: JwksOrigin) -> None:
        store = MemoryJwksStore()
        async with started(origin, store, cool_down=0, refresh_every=0) as source:
            await store.called()
            rotated = TokenFactory()
            origin.serves(200, rotated.jwks())
            await store.called(2)

            assert source.current(rotated.next_key.kid) is not None

    async def test_is_retried_without_waiting_for_the_interval_until_there_is_a_key(
        self, factory: TokenFactory, origin: JwksOrigin
    ) -> None:
        origin.error = DOWN
        store = MemoryJwksStore()
        async with started(origin, store, cool_down=0, refresh_every=3600) as source:
            await origin.called(3)
            origin.error = None
            await store.called()

            assert source.has_keys

    @pytest.mark.parametrize("error", [DOWN, RuntimeError("closed"), KeyError("x"), TimeoutError()])
    async def test_continues_after_any_error(
        self, factory: TokenFactory, origin: JwksOrigin, error: Exception
    ) -> None:
        store = MemoryJwksStore()
        async with started(origin, store, cool_down=0, refresh_every=0):
            await store.called()
            origin.error = error
            await origin.called(origin.calls + 3)
            origin.serves(200, TokenFactory().jwks())
            await store.called(2)


class TestStopping:
    async def test_leaves_no_task(self, origin: JwksOrigin, started_tasks: StartedTasks) -> None:
        async with started(origin, store := MemoryJwksStore()):
            await store.called()
            assert "jwks-refresh" in started_tasks("jwks-")

        assert started_tasks("jwks-") == []

    async def test_leaves_no_fetch_and_no_caller_waiting(
        self, origin: JwksOrigin, started_tasks: StartedTasks
    ) -> None:
        origin.gate.clear()
        async with started(origin, MemoryJwksStore()) as source:
            caller = asyncio.create_task(source.find("unknown"))
            await origin.called()

        assert started_tasks("jwks-") == []
        assert await caller is None

    async def test_is_allowed_twice_and_before_the_start(self, origin: JwksOrigin) -> None:
        async with started(origin, MemoryJwksStore()) as source:
            await source.stop()

        async with httpx.AsyncClient(transport=httpx.MockTransport(origin)) as client:
            await JwksKeySource("https://auth.test", client, MemoryJwksStore()).stop()


class TestFileKeySource:
    async def test_finds_the_keys_of_the_file(self, factory: TokenFactory, tmp_path: Path) -> None:
        path = tmp_path / "jwks.json"
        path.write_bytes(factory.jwks())
        source = FileKeySource(path)
        path.unlink()

        await TokenVerifier(source, factory.policy, factory.clock).verify(factory.access_token())
        assert source.has_keys
        assert source.current("unknown") is None
        assert await source.find("unknown") is None

    @pytest.mark.parametrize("document", [b"", b'{"keys":[]}', b'{"keys":[{"kty":"EC","d":"x"}]}'])
    def test_refuses_a_file_without_a_usable_key(self, tmp_path: Path, document: bytes) -> None:
        path = tmp_path / "jwks.json"
        path.write_bytes(document)

        with pytest.raises(InvalidKey):
            FileKeySource(path)
