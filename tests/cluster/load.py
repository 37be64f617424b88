"""Constant load through the ingress, to 127.0.0.1 and nowhere else, and what became of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx
from websockets import Subprotocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.cluster.cluster import ORIGIN
from tests.support.users import RegisteredUser

_SLOW: Final = 3.0
_MAX_REQUESTS: Final = 40_000
Ask = Callable[[httpx.AsyncClient, int], Awaitable[httpx.Response]]


@dataclass
class Load:
    """Workers that ask without a pause; stops when told, or at a bound."""

    registered_user: RegisteredUser
    requests: int = 0
    slow: int = 0
    failed: list[str] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    longest: float = 0
    _milestones: dict[int, asyncio.Event] = field(default_factory=dict)
    _stopping: bool = False

    @property
    def headers(self) -> dict[str, str]:
        return self.registered_user.headers

    @asynccontextmanager
    async def running(self, workers: int = 8, slow_workers: int = 4) -> AsyncIterator["Load"]:
        async with (
            httpx.AsyncClient(
                base_url=ORIGIN, headers=self.headers, timeout=30, trust_env=False
            ) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(workers):
                tasks.create_task(self._work(client))
            for _ in range(slow_workers):
                tasks.create_task(self._work_slowly(client))
            try:
                yield self
            finally:
                self._stopping = True

    async def reach(self, requests: int) -> None:
        """Wait until so many requests have been answered."""
        milestone = self._milestones.setdefault(requests, asyncio.Event())
        if self.requests < requests:
            await milestone.wait()

    async def _work(self, client: httpx.AsyncClient) -> None:
        turns: list[Ask] = [self._read_posts, self._read_me, self._write, self._read_profile]
        while not self._stopping and self.requests < _MAX_REQUESTS:
            for ask in turns:
                await self._count(ask, client)

    async def _work_slowly(self, client: httpx.AsyncClient) -> None:
        """Requests that are under way for three seconds: their bodies come slowly."""
        while not self._stopping:
            await self._count(self._write_slowly, client)
            self.slow += 1

    async def _count(self, ask: Ask, client: httpx.AsyncClient) -> None:
        number = self.requests
        self.requests += 1
        if self.requests in self._milestones:
            self._milestones[self.requests].set()
        began = time.monotonic()
        try:
            answer = await ask(client, number)
            if answer.is_error:
                self.failed.append(f"{answer.request.method} {answer.url.path}: "
                                   f"{answer.status_code} {answer.text[:200]}")  # fmt: skip
        except httpx.HTTPError as error:
            self.failed.append(f"{ask.__name__}: {error!r}")
        self.longest = max(self.longest, time.monotonic() - began)

    async def _read_posts(self, client: httpx.AsyncClient, _: int) -> httpx.Response:
        return await client.get("/api/v1/posts", params={"limit": 5})

    async def _read_me(self, client: httpx.AsyncClient, _: int) -> httpx.Response:
        return await client.get("/api/v1/users/me")

    async def _read_profile(self, client: httpx.AsyncClient, _: int) -> httpx.Response:
        return await client.get("/api/v1/profiles/me")

    async def _write(self, client: httpx.AsyncClient, number: int) -> httpx.Response:
        return self._wrote(await client.post("/api/v1/posts", json={"title": f"Post {number}"}))

    async def _write_slowly(self, client: httpx.AsyncClient, number: int) -> httpx.Response:
        body = f'{{"title": "Slow {number}"}}'.encode()

        async def trickle() -> AsyncIterator[bytes]:
            yield body[:5]
            await asyncio.sleep(_SLOW)
            yield body[5:]

        headers = {"content-type": "application/json", "content-length": str(len(body))}
        return self._wrote(await client.post("/api/v1/posts", content=trickle(), headers=headers))

    def _wrote(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code == 201:
            self.acknowledged.add(answer.json()["id"])
        return answer


async def drafts_of(registered_user: RegisteredUser) -> set[str]:
    """Every draft of somebody's, page by page."""
    found: set[str] = set()
    url: str | None = "/api/v1/posts?author=me&status=draft&limit=100"
    async with httpx.AsyncClient(
        base_url=ORIGIN, headers=registered_user.headers, timeout=30
    ) as client:
        while url:
            answer = await client.get(url)
            answer.raise_for_status()
            found |= {item["id"] for item in answer.json()["items"]}
            url = answer.links.get("next", {}).get("url")
    return found


@dataclass
class Talkers:
    """WebSockets that come back whenever they are closed."""

    registered_user: RegisteredUser
    codes: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    welcomed: int = 0
    connected: int = 0
    _stopping: bool = False

    @asynccontextmanager
    async def running(self, number: int = 10) -> AsyncIterator["Talkers"]:
        async with asyncio.TaskGroup() as tasks:
            talkers = [tasks.create_task(self._talk(f"rolling-{n}")) for n in range(number)]
            try:
                yield self
            finally:
                self._stopping = True
                for talker in talkers:
                    talker.cancel()

    async def _talk(self, client_id: str) -> None:
        offered = [
            Subprotocol("duet.v1"),
            Subprotocol(f"bearer.{self.registered_user.access_token}"),
        ]
        url = f"{ORIGIN.replace('http', 'ws', 1)}/ws/{client_id}"
        while not self._stopping:
            try:
                async with connect(url, subprotocols=offered, proxy=None) as websocket:
                    await self._listen(websocket)
                    self.codes.append(websocket.close_code or 1006)
            except Exception as error:  # whatever it is, it is a failure to come back
                self.refused.append(repr(error))
                return

    async def _listen(self, websocket: ClientConnection) -> None:
        await websocket.recv()
        self.welcomed += 1
        self.connected += 1
        try:
            async for _ in websocket:
                pass
        except ConnectionClosed:
            pass
        finally:
            self.connected -= 1
