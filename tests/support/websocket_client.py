"""A WebSocket client for tests: every wait has a timeout, and every server message is validated."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from pydantic import TypeAdapter
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response
from websockets.typing import Subprotocol

from duet_content.realtime.messages import ServerMessage
from tests.support.running_duet import Duet

TIMEOUT_SECONDS: Final = 5.0
_SERVER_MESSAGE: Final[TypeAdapter[ServerMessage]] = TypeAdapter(ServerMessage)


class WebSocketClient:
    """One connection to the server."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send_message(self, kind: str, **fields: object) -> None:
        """Send a message of the type `kind`."""
        await self.send_frame(json.dumps({"type": kind, **fields}))

    async def send_frame(self, frame: str | bytes) -> None:
        """Send a text or binary frame as it is."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await self.socket.send(frame)

    async def receive(self) -> dict[str, Any]:
        """Return the next message, which must match the schema of server messages."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            text = await self.socket.recv(decode=True)
        assert isinstance(text, str)
        _SERVER_MESSAGE.validate_json(text, strict=True)
        message: dict[str, Any] = json.loads(text)
        return message

    async def request(self, kind: str, **fields: object) -> dict[str, Any]:
        """Send a message and return its reply: the next message with the same `id`."""
        await self.send_message(kind, **fields, id="asked")
        while (reply := await self.receive()).get("id") != "asked":
            pass
        return reply

    async def close_code(self) -> int:
        """Discard messages until the server closes the connection, and return the close code."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            try:
                while True:
                    await self.socket.recv()
            except ConnectionClosed:
                return self.socket.close_code or 1006

    def abort(self) -> None:
        """Drop the connection without a close frame, as a network failure does."""
        self.socket.transport.abort()


def websocket_url(duet: Duet, client_id: str) -> str:
    return f"{duet.url.replace('http', 'ws', 1)}/ws/{client_id}"


@asynccontextmanager
async def open_websocket(
    duet: Duet,
    token: str | None = None,
    client_id: str = "c1",
    *,
    subprotocols: Sequence[str] | None = None,
    max_queue: int | None = None,
    **options: Any,
) -> AsyncIterator[WebSocketClient]:
    """Open a connection that offers `subprotocols`, by default `duet.v1` and the token if given.

    The client reads in the background. With `max_queue`, it stops reading while that many messages
    wait for the test.
    """
    if subprotocols is None:
        subprotocols = ["duet.v1"] if token is None else ["duet.v1", f"bearer.{token}"]
    async with connect(
        websocket_url(duet, client_id),
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        open_timeout=TIMEOUT_SECONDS,
        close_timeout=TIMEOUT_SECONDS,
        proxy=None,
        max_queue=max_queue,
        **options,
    ) as socket:
        yield WebSocketClient(socket)


@asynccontextmanager
async def authenticated_websocket(
    duet: Duet, token: str, client_id: str = "c1", **options: Any
) -> AsyncIterator[WebSocketClient]:
    """Open a connection with an access token and wait for the welcome message."""
    async with open_websocket(duet, token, client_id, **options) as client:
        assert (await client.receive())["type"] == "welcome"
        yield client


async def handshake_refusal(duet: Duet, path: str, **options: Any) -> Response:
    """Return the HTTP response to a handshake that the server must refuse."""
    try:
        async with connect(f"{duet.url.replace('http', 'ws', 1)}{path}", proxy=None, **options):
            raise AssertionError("the handshake was accepted")
    except InvalidStatus as refused:
        return refused.response
