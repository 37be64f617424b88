"""Constant load through the ingress on 127.0.0.1, with a record of its results."""

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

_SLOW_BODY_SECONDS: Final = 3.0
_MAX_REQUESTS: Final = 40_000
SendRequest = Callable[[httpx.AsyncClient, int], Awaitable[httpx.Response]]


@dataclass
class Load:
    """Workers that send requests continuously until the block ends or the maximum is reached."""

    registered_user: RegisteredUser
    requests: int = 0
    slow: int = 0
    failed: list[str] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    max_seconds: float = 0
    _milestones: dict[int, asyncio.Event] = field(default_factory=dict)
    _stopping: bool = False

    @property
    def headers(self) -> dict[str, str]:
        return self.registered_user.headers

    @asynccontextmanager
    async def running(self, workers: int = 8, slow_workers: int = 4) -> AsyncIterator["Load"]:
        """Run the workers until the block ends."""
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
        """Wait until this number of requests has been started."""
        milestone = self._milestones.setdefault(requests, asyncio.Event())
        if self.requests < requests:
            await milestone.wait()

    async def _work(self, client: httpx.AsyncClient) -> None:
        turns: list[SendRequest] = [
            self._read_posts,
            self._read_me,
            self._write,
            self._read_profile,
        ]
        while not self._stopping and self.requests < _MAX_REQUESTS:
            for send in turns:
                await self._count(send, client)

    async def _work_slowly(self, client: httpx.AsyncClient) -> None:
        """Send requests whose bodies take three seconds to arrive."""
        while not self._stopping:
            await self._count(self._write_slowly, client)
            self.slow += 1

    async def _count(self, send: SendRequest, client: httpx.AsyncClient) -> None:
        number = self.requests
        self.requests += 1
        if self.requests in self._milestones:
            self._milestones[self.requests].set()
        start = time.monotonic()
        try:
            response = await send(client, number)
            if response.is_error:
                self.failed.append(f"{response.request.method} {response.url.path}: "
                                   f"{response.status_code} {response.text[:200]}")  # fmt: skip
        except httpx.HTTPError as error:
            self.failed.append(f"{send.__name__}: {error!r}")
        self.max_seconds = max(self.max_seconds, time.monotonic() - start)

    async def _read_posts(self, client: httpx.AsyncClient, _: int) -> httpx.Response:
        return await client.get("/api/v1/posts", params={"limit": 5})

    async def _read_me(self, client: httpx.AsyncClient, _: int) -> httpx.Response:
        return await client.get("/api/v1/users/me")

    async def _read_profile(self, client: httpx.AsyncClient, _: int) -> httpx.Response:
        return await client.get("/api/v1/profiles/me")

    async def _write(self, client: httpx.AsyncClient, number: int) -> httpx.Response:
        return self._record_write(
            await client.post("/api/v1/posts", json={"title": f"Post {number}"})
        )

    async def _write_slowly(self, client: httpx.AsyncClient, number: int) -> httpx.Response:
        body = f'{{"title": "Slow {number}"}}'.encode()

        async def trickle() -> AsyncIterator[bytes]:
            yield body[:5]
            await asyncio.sleep(_SLOW_BODY_SECONDS)
            yield body[5:]

        headers = {"content-type": "application/json", "content-length": str(len(body))}
        return self._record_write(
            await client.post("/api/v1/posts", content=trickle(), headers=headers)
        )

    def _record_write(self, response: httpx.Response) -> httpx.Response:
        if response.status_code == 201:
            self.acknowledged.add(response.json()["id"])
        return response


async def drafts_of(registered_user: RegisteredUser) -> set[str]:
    """Return the ids of all drafts of a user, from every page of the list."""
    found: set[str] = set()
    url: str | None = "/api/v1/posts?author=me&status=draft&limit=100"
    async with httpx.AsyncClient(
        base_url=ORIGIN, headers=registered_user.headers, timeout=30
    ) as client:
        while url:
            response = await client.get(url)
            response.raise_for_status()
            found |= {item["id"] for item in response.json()["items"]}
            url = response.links.get("next", {}).get("url")
    return found


@dataclass
class WebSocketClients:
    """WebSocket clients that reconnect whenever their connection is closed."""

    registered_user: RegisteredUser
    close_codes: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    welcomed: int = 0
    connected: int = 0
    _stopping: bool = False

    @asynccontextmanager
    async def running(self, number: int = 10) -> AsyncIterator["WebSocketClients"]:
        """Keep this number of clients connected until the block ends."""
        async with asyncio.TaskGroup() as tasks:
            clients = [tasks.create_task(self._connect(f"rolling-{n}")) for n in range(number)]
            try:
                yield self
            finally:
                self._stopping = True
                for client in clients:
                    client.cancel()

    async def _connect(self, client_id: str) -> None:
        offered = [
            Subprotocol("duet.v1"),
            Subprotocol(f"bearer.{self.registered_user.access_token}"),
        ]
        url = f"{ORIGIN.replace('http', 'ws', 1)}/ws/{client_id}"
        while not self._stopping:
            try:
                async with connect(url, subprotocols=offered, proxy=None) as websocket:
                    await self._listen(websocket)
                    self.close_codes.append(websocket.close_code or 1006)
            except Exception as error:  # any exception means that the client could not reconnect
                self.errors.append(repr(error))
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
