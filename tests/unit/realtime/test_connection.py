"""A connection sends from a bounded queue and is closed exactly once."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from starlette.types import Message
from starlette.websockets import WebSocket

from duet_content.realtime.connection import CloseCode, Connection, Frame, State
from duet_content.realtime.messages import Sender
from tests.support.started_tasks import StartedTasks

SENDER = Sender(client_id="c", user_id=uuid.UUID(int=1))
Sent = list[str | int]


class Server:
    """A fake ASGI server that records what is sent, and blocks while `writable` is not set."""

    def __init__(self) -> None:
        self.sent: Sent = []
        self.writable = asyncio.Event()
        self.writable.set()
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.error: Exception | None = None

    async def receive(self) -> Message:
        return await self.inbox.get()

    async def send(self, message: Message) -> None:
        await self.writable.wait()
        if self.error is not None:
            raise self.error
        if message["type"] == "websocket.close":
            self.sent.append(message["code"])
            self.inbox.put_nowait({"type": "websocket.disconnect", "code": message["code"]})
        elif message["type"] == "websocket.send":
            self.sent.append(message["text"])

    def receive_text(self, text: str) -> None:
        self.inbox.put_nowait({"type": "websocket.receive", "text": text})

    def disconnect(self) -> None:
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def websocket(server: Server) -> WebSocket:
    websocket = WebSocket({"type": "websocket", "headers": []}, server.receive, server.send)
    await websocket.accept()
    return websocket


@pytest.fixture
async def connection(
    websocket: WebSocket, started_tasks: StartedTasks
) -> AsyncIterator[Connection]:
    yield Connection(websocket, SENDER, 2)
    assert started_tasks("websocket-") == []


async def run_other_tasks() -> None:
    """Let the other tasks run until they wait."""
    for _ in range(5):
        await asyncio.sleep(0)


def is_open(connection: Connection) -> bool:
    return connection.state is State.OPEN


async def ignore(frame: Frame) -> None:
    """Ignore the frame."""


async def test_a_connection_receives_and_sends_until_the_client_disconnects(
    server: Server, connection: Connection
) -> None:
    frames: list[Frame] = []

    async def handle(frame: Frame) -> None:
        frames.append(frame)
        connection.deliver(f"heard {frame!s}")

    server.receive_text("1")
    server.receive_text("2")
    server.disconnect()
    async with connection:
        await connection.listen(handle)

    assert frames == ["1", "2"]
    assert server.sent == ["heard 1", "heard 2"]
    assert connection.state is State.CLOSED


async def test_frames_that_arrive_together_are_answered_one_at_a_time(
    server: Server, connection: Connection
) -> None:
    sent_before: list[int] = []

    async def handle(frame: Frame) -> None:
        sent_before.append(len(server.sent))
        connection.deliver("answer")

    for _ in range(4):
        server.receive_text("1")
    server.disconnect()
    async with connection:
        await connection.listen(handle)

    assert sent_before == [0, 1, 2, 3]


async def test_queued_messages_are_sent_before_the_close(
    server: Server, connection: Connection
) -> None:
    async with connection:
        for number in range(5):
            connection.deliver(str(number))
        connection.close(CloseCode.UNAUTHENTICATED, "")
        connection.deliver("too late")

    assert server.sent == ["0", "1", "2", "3", "4", 4401]


async def test_only_the_first_close_code_is_sent(server: Server, connection: Connection) -> None:
    async with connection:
        connection.close(CloseCode.FORBIDDEN, "")
        connection.close(CloseCode.TOO_SLOW, "")

    assert server.sent == [4403]


async def test_closing_ends_listening(server: Server, connection: Connection) -> None:
    async with connection:
        listening = asyncio.create_task(connection.listen(ignore))
        await run_other_tasks()
        connection.close(CloseCode.UNAUTHENTICATED, "")
        await listening

    assert server.sent == [4401]


async def test_closing_while_a_frame_is_handled_ends_listening(
    server: Server, connection: Connection
) -> None:
    async def handle(frame: Frame) -> None:
        connection.close(CloseCode.FORBIDDEN, "")

    server.receive_text("1")
    server.receive_text("2")
    async with connection:
        await connection.listen(handle)

    assert server.sent == [4403]


async def test_a_full_queue_closes_the_connection_only_if_the_socket_blocks(
    server: Server, connection: Connection
) -> None:
    async with connection:
        for number in range(10):
            connection.deliver(str(number))  # the writer has not run yet
        assert is_open(connection)
        await run_other_tasks()
        assert len(server.sent) == 10

        server.writable.clear()
        connection.deliver("in the socket's hands")
        await run_other_tasks()
        for _ in range(2):
            connection.deliver("waits")
        assert is_open(connection)
        connection.deliver("one too many")
        assert not is_open(connection)

        server.writable.set()

    assert server.sent[10:] == ["in the socket's hands", 4408]


async def test_closing_does_not_wait_forever_for_a_socket_that_blocks(
    server: Server, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duet_content.realtime.connection._CLOSE_SECONDS", 0.01)
    server.writable.clear()
    async with connection:
        connection.deliver("1")
        await run_other_tasks()
        connection.close(CloseCode.UNAUTHENTICATED, "")

    assert server.sent == []
    assert connection.state is State.CLOSED


@pytest.mark.parametrize("error", [OSError(), RuntimeError("already closed")])
async def test_a_lost_socket_ends_the_connection_without_an_error(
    server: Server, connection: Connection, error: Exception
) -> None:
    async with connection:
        server.error = error
        connection.deliver("1")
        await connection.listen(ignore)

    assert server.sent == []


async def test_an_unexpected_error_closes_with_1011_and_is_raised(
    server: Server, connection: Connection
) -> None:
    async def handle(frame: Frame) -> None:
        raise ZeroDivisionError

    server.receive_text("1")
    with pytest.raises(ZeroDivisionError):
        async with connection:
            await connection.listen(handle)

    assert server.sent == [1011]


async def test_a_cancelled_connection_leaves_no_task(
    server: Server, connection: Connection
) -> None:
    async def serve() -> None:
        async with connection:
            await connection.listen(ignore)

    serving = asyncio.create_task(serve())
    await run_other_tasks()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving

    assert connection.state is State.CLOSED
