"""A client of the WebSocket, as a test needs it: each wait ends, each answer is checked."""

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

PATIENCE: Final = 5.0
_SERVER_MESSAGE: Final[TypeAdapter[ServerMessage]] = TypeAdapter(ServerMessage)


class Talker:
    """One connection; `closed` tells how it ended."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, kind: str, **fields: object) -> None:
        await self.send(json.dumps({"type": kind, **fields}))

    async def send(self, frame: str | bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.socket.send(frame)

    async def hear(self) -> dict[str, Any]:
        """The next message, which must be one of those that the server has."""
        async with asyncio.timeout(PATIENCE):
            text = await self.socket.recv(decode=True)
        assert isinstance(text, str)
        _SERVER_MESSAGE.validate_json(text, strict=True)
        message: dict[str, Any] = json.loads(text)
        return message

    async def ask(self, kind: str, **fields: object) -> dict[str, Any]:
        """The answer to a message: the next that repeats its `id`."""
        await self.say(kind, **fields, id="asked")
        while (answer := await self.hear()).get("id") != "asked":
            pass
        return answer

    async def closed(self) -> int:
        """The close code; what comes before it is passed over."""
        async with asyncio.timeout(PATIENCE):
            try:
                while True:
                    await self.socket.recv()
            except ConnectionClosed:
                return self.socket.close_code or 1006

    def abort(self) -> None:
        """Go as a pulled cable does: without a close frame."""
        self.socket.transport.abort()


def address(duet: Duet, client_id: str) -> str:
    return f"{duet.url.replace('http', 'ws', 1)}/ws/{client_id}"


@asynccontextmanager
async def talking(
    duet: Duet,
    token: str | None = None,
    client_id: str = "c1",
    *,
    subprotocols: Sequence[str] | None = None,
    max_queue: int | None = None,
    **options: Any,
) -> AsyncIterator[Talker]:
    """A connection that offers `duet.v1` and the token, if there is one, or else `subprotocols`.

    It goes on reading while the test does not listen, unless `max_queue` says after how many
    messages it stops.
    """
    if subprotocols is None:
        subprotocols = ["duet.v1"] if token is None else ["duet.v1", f"bearer.{token}"]
    async with connect(
        address(duet, client_id),
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        open_timeout=PATIENCE,
        close_timeout=PATIENCE,
        proxy=None,
        max_queue=max_queue,
        **options,
    ) as socket:
        yield Talker(socket)


@asynccontextmanager
async def welcomed(
    duet: Duet, token: str, client_id: str = "c1", **options: Any
) -> AsyncIterator[Talker]:
    """A connection that has been let in and has heard so."""
    async with talking(duet, token, client_id, **options) as talker:
        assert (await talker.hear())["type"] == "welcome"
        yield talker


async def refusal(duet: Duet, path: str, **options: Any) -> Response:
    """The HTTP answer to a handshake that must be refused."""
    try:
        async with connect(f"{duet.url.replace('http', 'ws', 1)}{path}", proxy=None, **options):
            raise AssertionError("the handshake was accepted")
    except InvalidStatus as refused:
        return refused.response
