"""Stand-ins for auth's JWKS endpoint and for its stored copy, without a network or a database."""

import asyncio

import httpx


class Gated:
    """Counts calls, lets a test wait for them, and blocks them while `gate` is not set."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self._called = asyncio.Event()

    async def called(self, times: int = 1) -> None:
        """Wait until there were at least `times` calls."""
        while self.calls < times:
            self._called.clear()
            await self._called.wait()

    async def _pass(self) -> None:
        self.calls += 1
        self._called.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error


class JwksOrigin(Gated):
    """A handler for `httpx.MockTransport` that responds with what `serves` was called with."""

    def __init__(self, document: bytes) -> None:
        super().__init__()
        self.requests: list[httpx.Request] = []
        self.serves(200, document)

    def serves(self, status: int, content: bytes = b"", **headers: str) -> None:
        self._status, self._content, self._headers = status, content, headers
        self.error = None

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        await self._pass()
        return httpx.Response(self._status, content=self._content, headers=self._headers)


class MemoryJwksStore(Gated):
    """A `JwksStore` that fails while `error` is set. Only `save` is counted and blocked."""

    def __init__(self, document: bytes | None = None) -> None:
        super().__init__()
        self.document = document

    async def load(self) -> bytes | None:
        if self.error is not None:
            raise self.error
        return self.document

    async def save(self, document: bytes) -> None:
        await self._pass()
        self.document = document
