"""One open WebSocket: a bounded queue, one writer, and one way to close it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum, IntEnum, auto
from types import TracebackType
from typing import Final, Self

from starlette.websockets import WebSocket, WebSocketDisconnect

from duet_content.realtime.messages import Sender

_LAST_WORDS_SECONDS: Final = 5.0

Frame = str | bytes


class CloseCode(IntEnum):
    """Why the server closes a connection (RFC 6455, section 7.4; codes from 4000 are Duet's own).

    The docstring of a member is its entry in the documentation: what happened, and what the client
    does next.
    """

    INTERNAL_ERROR = 1011
    """An unexpected error was logged on the server. Connect again."""
    SERVICE_RESTART = 1012
    """The server restarts. Connect again."""
    UNAUTHENTICATED = 4401
    """The token is missing, refused or expired. Get a new token and connect again."""
    FORBIDDEN = 4403
    """`auth` presented the token of another user. Open a new connection for that user."""
    TOO_SLOW = 4408
    """The client read too slowly, and its queue (`WS_QUEUE`) was full. Connect again."""


class State(Enum):
    OPEN = auto()
    """What is delivered is queued and written."""
    CLOSING = auto()
    """`close` was called: nothing more is taken; what waits is written, then the close frame."""
    CLOSED = auto()
    """Nothing is read or written any more."""


async def receive_frame(websocket: WebSocket) -> Frame:
    """The next frame. Raises `WebSocketDisconnect` when the client has gone."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text: str | None = message.get("text")
    if text is not None:
        return text
    data: bytes = message["bytes"]
    return data


async def send_close(websocket: WebSocket, code: CloseCode, reason: str) -> None:
    """Close, unless that has happened already."""
    with suppress(WebSocketDisconnect, RuntimeError):
        await websocket.close(code, reason)


class Connection:
    """An authenticated WebSocket, as an async context in which it is written to.

    `deliver` and `close` never wait, so that whoever calls them is not held up by this client.
    """

    def __init__(self, websocket: WebSocket, sender: Sender, queue: int) -> None:
        self.sender = sender
        self.state = State.OPEN
        self._websocket = websocket
        self._limit = queue
        self._waiting: deque[str] = deque()
        self._wake = asyncio.Event()
        self._is_stalled = False
        self._goodbye: tuple[CloseCode, str] | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._writing = asyncio.create_task(self._write(), name="websocket-writer")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            self.close(CloseCode.INTERNAL_ERROR, "Something failed here; it has been logged")
        try:
            if self.state is State.CLOSING:
                # A client that does not read would keep the close frame waiting for ever.
                await asyncio.wait({self._writing}, timeout=_LAST_WORDS_SECONDS)
        finally:
            self.state = State.CLOSED
            self._waiting.clear()
            self._writing.cancel()
            with suppress(asyncio.CancelledError):
                await self._writing

    async def listen(self, hear: Callable[[Frame], Awaitable[None]]) -> None:
        """Hand over each frame in turn. Returns when the client has gone or `close` was called."""
        self._reading = asyncio.create_task(self._read(hear), name="websocket-reader")
        try:
            await asyncio.wait({self._reading, self._writing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._reading.cancel()
            with suppress(asyncio.CancelledError, WebSocketDisconnect):
                await self._reading

    def deliver(self, text: str) -> None:
        """Queue one message. A client that lets the queue fill up is closed."""
        if self.state is not State.OPEN:
            return
        # A long queue alone is no proof: when many publish in the same turn of the event loop,
        # it fills before the writer had its turn. Only a socket that takes nothing is.
        if self._is_stalled and len(self._waiting) >= self._limit:
            self._waiting.clear()
            self.close(CloseCode.TOO_SLOW, "Too slow a reader")
            return
        self._waiting.append(text)
        self._wake.set()

    def restart(self) -> None:
        self.close(CloseCode.SERVICE_RESTART, "The server restarts")

    def close(self, code: CloseCode, reason: str) -> None:
        """Begin to close; the first call decides the code."""
        if self.state is not State.OPEN:
            return
        self.state = State.CLOSING
        self._goodbye = (code, reason)
        self._wake.set()
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self, hear: Callable[[Frame], Awaitable[None]]) -> None:
        while True:
            await hear(await receive_frame(self._websocket))
            # Frames that came in one packet are received without waiting. The writers must have
            # their turn between them, or one client's burst fills every queue.
            await asyncio.sleep(0)

    async def _write(self) -> None:
        # RuntimeError is how uvicorn and Starlette say that the connection was closed by another
        # way: the server's own limit on a frame, a ping unanswered, a shutdown.
        with suppress(WebSocketDisconnect, RuntimeError):
            while self.state is State.OPEN or self._waiting:
                while self._waiting:
                    self._is_stalled = True  # others see it only while the socket makes us wait
                    await self._websocket.send_text(self._waiting.popleft())
                    self._is_stalled = False
                if self.state is State.OPEN:
                    self._wake.clear()
                    await self._wake.wait()
        if self._goodbye is not None:
            await send_close(self._websocket, *self._goodbye)
