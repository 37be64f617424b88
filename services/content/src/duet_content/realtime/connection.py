"""An open WebSocket with a bounded queue, one writer task and one way to close it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum, IntEnum, auto
from types import TracebackType
from typing import Final, Self

from starlette.websockets import WebSocket, WebSocketDisconnect

from duet_content.realtime.messages import Sender

_CLOSE_SECONDS: Final = 5.0

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
    BAD_REQUEST = 4400
    """The client id is invalid. Use 1 to 64 letters, digits, `_` and `-`."""
    UNAUTHENTICATED = 4401
    """The token is missing, refused or expired. Get a new token and connect again."""
    FORBIDDEN = 4403
    """The page has another origin, which `ALLOWED_ORIGINS` does not contain; connecting again does
    not help. Or `auth` presented the token of another user: open a new connection for that user.
    """
    TOO_SLOW = 4408
    """The client read too slowly, and its queue (`WS_QUEUE`) was full. Connect again."""


class State(Enum):
    OPEN = auto()
    """Messages are queued and written."""
    CLOSING = auto()
    """`close` was called. Queued messages are written, then the close frame."""
    CLOSED = auto()
    """Nothing is read or written."""


async def receive_frame(websocket: WebSocket) -> Frame:
    """Return the next frame. Raises `WebSocketDisconnect` if the client has disconnected."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text: str | None = message.get("text")
    if text is not None:
        return text
    data: bytes = message["bytes"]
    return data


async def send_close(websocket: WebSocket, code: CloseCode, reason: str) -> None:
    """Close the WebSocket unless it is already closed."""
    with suppress(WebSocketDisconnect, RuntimeError):
        await websocket.close(code, reason)


class Connection:
    """An authenticated WebSocket. Messages are written while its async context is entered.

    `deliver` and `close` never wait, so that this client cannot delay their caller.
    """

    def __init__(self, websocket: WebSocket, sender: Sender, queue: int) -> None:
        self.sender = sender
        self.state = State.OPEN
        self._websocket = websocket
        self._limit = queue
        self._waiting: deque[str] = deque()
        self._wake = asyncio.Event()
        self._is_stalled = False
        self._close_frame: tuple[CloseCode, str] | None = None
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
            self.close(CloseCode.INTERNAL_ERROR, "Internal error. It has been logged.")
        try:
            if self.state is State.CLOSING:
                # A client that does not read would block the close frame without a time limit.
                await asyncio.wait({self._writing}, timeout=_CLOSE_SECONDS)
        finally:
            self.state = State.CLOSED
            self._waiting.clear()
            self._writing.cancel()
            with suppress(asyncio.CancelledError):
                await self._writing

    async def listen(self, handle: Callable[[Frame], Awaitable[None]]) -> None:
        """Pass each frame to `handle`. Return when the client disconnects or `close` is called."""
        self._reading = asyncio.create_task(self._read(handle), name="websocket-reader")
        try:
            await asyncio.wait({self._reading, self._writing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._reading.cancel()
            with suppress(asyncio.CancelledError, WebSocketDisconnect):
                await self._reading

    def deliver(self, text: str) -> None:
        """Queue a message. If the queue is full because the client does not read, close it."""
        if self.state is not State.OPEN:
            return
        # A long queue alone does not prove that the client is slow: many messages can be published
        # in one iteration of the event loop, before the writer runs. A blocked socket proves it.
        if self._is_stalled and len(self._waiting) >= self._limit:
            self._waiting.clear()
            self.close(CloseCode.TOO_SLOW, "The client reads too slowly.")
            return
        self._waiting.append(text)
        self._wake.set()

    def restart(self) -> None:
        self.close(CloseCode.SERVICE_RESTART, "The server is restarting. Connect again.")

    def close(self, code: CloseCode, reason: str) -> None:
        """Start to close. The first call determines the code."""
        if self.state is not State.OPEN:
            return
        self.state = State.CLOSING
        self._close_frame = (code, reason)
        self._wake.set()
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self, handle: Callable[[Frame], Awaitable[None]]) -> None:
        while True:
            await handle(await receive_frame(self._websocket))
            # Frames that arrived together are received without waiting. Let the writers run between
            # them, or the burst of one client would fill every queue.
            await asyncio.sleep(0)

    async def _write(self) -> None:
        # uvicorn and Starlette raise RuntimeError if the connection was closed otherwise: by the
        # limit on frames, an unanswered ping or a shutdown.
        with suppress(WebSocketDisconnect, RuntimeError):
            while self.state is State.OPEN or self._waiting:
                while self._waiting:
                    self._is_stalled = True  # visible to others only while the socket blocks
                    await self._websocket.send_text(self._waiting.popleft())
                    self._is_stalled = False
                if self.state is State.OPEN:
                    self._wake.clear()
                    await self._wake.wait()
        if self._close_frame is not None:
            await send_close(self._websocket, *self._close_frame)
