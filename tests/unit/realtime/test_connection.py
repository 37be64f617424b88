"""A connection's queue, its writer, and the one way in which it is closed."""

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
    """The ASGI server's side: what it was given to send, and a socket that can be made to wait."""

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

    def say(self, text: str) -> None:
        self.inbox.put_nowait({"type": "websocket.receive", "text": text})

    def go(self) -> None:
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


async def turn() -> None:
    """Let whatever can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


def is_open(connection: Connection) -> bool:
    return connection.state is State.OPEN


async def ignore(frame: Frame) -> None:
    """Hear nothing."""


async def test_it_is_read_and_written_until_the_client_goes(
    server: Server, connection: Connection
) -> None:
    heard: list[Frame] = []

    async def hear(frame: Frame) -> None:
        heard.append(frame)
        connection.deliver(f"heard {frame!s}")

    server.say("1")
    server.say("2")
    server.go()
    async with connection:
        await connection.listen(hear)

    assert heard == ["1", "2"]
    assert server.sent == ["heard 1", "heard 2"]
    assert connection.state is State.CLOSED


async def test_frames_that_came_together_are_answered_one_by_one(
    server: Server, connection: Connection
) -> None:
    sent_before: list[int] = []

    async def hear(frame: Frame) -> None:
        sent_before.append(len(server.sent))
        connection.deliver("answer")

    for _ in range(4):
        server.say("1")
    server.go()
    async with connection:
        await connection.listen(hear)

    assert sent_before == [0, 1, 2, 3]


async def test_what_waits_is_written_before_the_close(
    server: Server, connection: Connection
) -> None:
    async with connection:
        for number in range(5):
            connection.deliver(str(number))
        connection.close(CloseCode.UNAUTHENTICATED, "")
        connection.deliver("too late")

    assert server.sent == ["0", "1", "2", "3", "4", 4401]


async def test_the_first_close_decides(server: Server, connection: Connection) -> None:
    async with connection:
        connection.close(CloseCode.FORBIDDEN, "")
        connection.close(CloseCode.TOO_SLOW, "")

    assert server.sent == [4403]


async def test_a_close_ends_the_listening(server: Server, connection: Connection) -> None:
    async with connection:
        listening = asyncio.create_task(connection.listen(ignore))
        await turn()
        connection.close(CloseCode.UNAUTHENTICATED, "")
        await listening

    assert server.sent == [4401]


async def test_a_close_while_hearing_ends_the_listening(
    server: Server, connection: Connection
) -> None:
    async def hear(frame: Frame) -> None:
        connection.close(CloseCode.FORBIDDEN, "")

    server.say("1")
    server.say("2")
    async with connection:
        await connection.listen(hear)

    assert server.sent == [4403]


async def test_a_full_queue_closes_only_a_socket_that_takes_nothing(
    server: Server, connection: Connection
) -> None:
    async with connection:
        for number in range(10):
            connection.deliver(str(number))  # the writer had no turn yet
        assert is_open(connection)
        await turn()
        assert len(server.sent) == 10

        server.writable.clear()
        connection.deliver("in the socket's hands")
        await turn()
        for _ in range(2):
            connection.deliver("waits")
        assert is_open(connection)
        connection.deliver("one too many")
        assert not is_open(connection)

        server.writable.set()

    assert server.sent[10:] == ["in the socket's hands", 4408]


async def test_a_socket_that_never_takes_the_close_is_given_up(
    server: Server, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duet_content.realtime.connection._LAST_WORDS_SECONDS", 0.01)
    server.writable.clear()
    async with connection:
        connection.deliver("1")
        await turn()
        connection.close(CloseCode.UNAUTHENTICATED, "")

    assert server.sent == []
    assert connection.state is State.CLOSED


@pytest.mark.parametrize("error", [OSError(), RuntimeError("closed by another way")])
async def test_a_socket_that_is_gone_ends_it_quietly(
    server: Server, connection: Connection, error: Exception
) -> None:
    async with connection:
        server.error = error
        connection.deliver("1")
        await connection.listen(ignore)

    assert server.sent == []


async def test_a_defect_is_told_as_1011_and_not_hidden(
    server: Server, connection: Connection
) -> None:
    async def hear(frame: Frame) -> None:
        raise ZeroDivisionError

    server.say("1")
    with pytest.raises(ZeroDivisionError):
        async with connection:
            await connection.listen(hear)

    assert server.sent == [1011]


async def test_a_cancelled_connection_leaves_no_task(
    server: Server, connection: Connection
) -> None:
    async def serve() -> None:
        async with connection:
            await connection.listen(ignore)

    serving = asyncio.create_task(serve())
    await turn()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving

    assert connection.state is State.CLOSED
