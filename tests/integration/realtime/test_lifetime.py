"""A connection ends with its token, a slow client or a restart, and leaves nothing behind."""

import asyncio
import socket
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from duet_common.ids import new_id
from duet_common.testing.clock import FrozenClock
from duet_common.testing.tokens import TokenFactory
from tests.integration.realtime.conftest import RunDuet, hub_of
from tests.support.running_duet import Duet
from tests.support.started_tasks import StartedTasks
from tests.support.websocket_client import WebSocketClient, authenticated_websocket, open_websocket

MOMENT = timedelta(milliseconds=30)
TOKEN_LIFETIME = timedelta(minutes=10)


async def test_a_connection_is_closed_when_its_token_expires(
    frozen_duet: Duet, tokens: TokenFactory, clock: FrozenClock
) -> None:
    token = tokens.access_token()
    clock.advance(TOKEN_LIFETIME - MOMENT)
    async with (
        authenticated_websocket(frozen_duet, tokens.access_token(), "witness") as witness,
        authenticated_websocket(frozen_duet, token) as client,
    ):
        assert (await client.request("ping"))["type"] == "pong"

        clock.advance(MOMENT)

        assert await client.close_code() == 4401
        assert client.socket.close_reason == "The access token has expired. Get a new one."
        assert [(await witness.receive())["event"] for _ in range(2)] == ["join", "leave"]


async def test_a_message_after_the_token_expires_is_not_delivered(
    frozen_duet: Duet, tokens: TokenFactory, clock: FrozenClock
) -> None:
    token = tokens.access_token()
    clock.advance(timedelta(seconds=1))
    async with (
        authenticated_websocket(frozen_duet, tokens.access_token(), "witness") as witness,
        authenticated_websocket(frozen_duet, token) as client,
    ):
        # The token has expired, but the timer still waits for 9 minutes and 59 seconds.
        clock.advance(TOKEN_LIFETIME - timedelta(seconds=1))

        await client.send_message("publish", channel="lobby", data="too late")

        assert await client.close_code() == 4401
        assert [(await witness.receive())["type"] for _ in range(2)] == ["presence", "presence"]


async def test_a_new_token_extends_the_connection(
    frozen_duet: Duet, tokens: TokenFactory, clock: FrozenClock
) -> None:
    user_id = new_id()
    first = tokens.access_token(user_id)
    clock.advance(TOKEN_LIFETIME - timedelta(seconds=1))
    second = tokens.access_token(user_id)
    async with authenticated_websocket(frozen_duet, first) as client:
        await client.request("subscribe", channel="room:r")
        welcome = await client.request("auth", token=second)
        assert welcome["channels"] == ["lobby", "room:r"]

        clock.advance(TOKEN_LIFETIME - MOMENT)
        assert (await client.request("ping"))["type"] == "pong"

        clock.advance(MOMENT)
        await client.send_message("ping")
        assert await client.close_code() == 4401


async def test_the_expiry_timer_follows_the_new_token(
    frozen_duet: Duet, tokens: TokenFactory, clock: FrozenClock
) -> None:
    user_id = new_id()
    second = tokens.access_token(user_id)
    clock.advance(TOKEN_LIFETIME - MOMENT)
    async with authenticated_websocket(frozen_duet, tokens.access_token(user_id)) as client:
        assert (await client.request("auth", token=second))["type"] == "welcome"
        clock.advance(MOMENT)
        assert await client.close_code() == 4401


async def test_a_token_of_another_user_closes_the_connection(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async with authenticated_websocket(frozen_duet, tokens.access_token()) as client:
        await client.send_message("auth", token=tokens.access_token())
        assert await client.close_code() == 4403


async def test_an_invalid_token_closes_the_connection(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async with authenticated_websocket(frozen_duet, tokens.access_token()) as client:
        await client.send_message("auth", token="forged")
        assert await client.close_code() == 4401


async def test_messages_before_an_invalid_token_get_their_replies(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async with authenticated_websocket(frozen_duet, tokens.access_token()) as client:
        for _ in range(3):
            await client.send_message("ping")
        await client.send_message("auth", token="forged")
        assert [(await client.receive())["type"] for _ in range(3)] == ["pong"] * 3
        assert await client.close_code() == 4401


async def test_a_slow_client_is_closed_without_delaying_others(
    run_duet: RunDuet, tokens: TokenFactory
) -> None:
    async with (
        run_duet(ws_queue=4) as duet,
        authenticated_websocket(duet, tokens.access_token(), "publisher") as publisher,
        open_websocket(duet, tokens.access_token(), "slow", **slow_reader_options(duet)) as slow,
    ):
        assert (await publisher.receive())["event"] == "join"
        published = 0
        while True:
            await publisher.send_message("publish", channel="lobby", data="x" * 60_000)
            received = await publisher.receive()
            if received["type"] == "presence":
                break
            published += 1
            assert received["seq"] == published
        assert (received["event"], received["client_id"]) == ("leave", "slow")
        assert (await publisher.receive())["seq"] == published + 1

        # The slow client reads now: first the messages in transit, then the close frame.
        assert (await slow.receive())["type"] == "welcome"
        assert await slow.close_code() == 4408
        assert (await publisher.request("ping"))["type"] == "pong"


async def test_a_client_that_stops_reading_is_dropped(
    run_duet: RunDuet,
    tokens: TokenFactory,
    started_tasks: StartedTasks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("duet_content.realtime.connection._CLOSE_SECONDS", 0.01)
    async with (
        run_duet(ws_queue=4) as duet,
        authenticated_websocket(duet, tokens.access_token(), "publisher") as publisher,
        open_websocket(
            duet, tokens.access_token(), "stalled", **slow_reader_options(duet)
        ) as stalled,
    ):
        assert (await publisher.receive())["event"] == "join"
        while True:
            await publisher.send_message("publish", channel="lobby", data="x" * 60_000)
            if (await publisher.receive())["type"] == "presence":
                break
        stalled.abort()
    assert len(hub_of(duet)) == 0
    assert started_tasks("websocket-") == []


async def test_a_burst_of_messages_closes_no_connection(
    run_duet: RunDuet, tokens: TokenFactory
) -> None:
    """With a queue of four: 500 messages from one client at once, then one from each of 30."""
    async with run_duet(ws_queue=4) as duet, AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                authenticated_websocket(duet, tokens.access_token(), f"c{number}")
            )
            for number in range(30)
        ]
        one = '{"type": "publish", "channel": "lobby", "data": 1}'
        await asyncio.gather(*(clients[0].send_frame(one) for _ in range(500)))
        await asyncio.gather(*(client.send_frame(one) for client in clients))

        async def receive_all(client: WebSocketClient) -> int:
            seq = 0
            while seq < 530:
                received = await client.receive()
                if received["type"] == "message":
                    assert received["seq"] == seq + 1
                    seq = received["seq"]
            return seq

        assert await asyncio.gather(*map(receive_all, clients)) == [530] * 30


async def test_an_aborted_connection_is_announced_as_a_leave(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async with authenticated_websocket(frozen_duet, tokens.access_token(), "witness") as witness:
        async with authenticated_websocket(frozen_duet, tokens.access_token(), "cut") as cut:
            await cut.request("subscribe", channel="room:r")
            await witness.request("subscribe", channel="room:r")
            cut.abort()
            received = [await witness.receive() for _ in range(2)]
        assert [(one["event"], one["channel"]) for one in received] == [
            ("leave", "lobby"),
            ("leave", "room:r"),
        ]


async def test_a_hundred_closed_connections_leave_nothing_behind(
    run_duet: RunDuet, tokens: TokenFactory, started_tasks: StartedTasks
) -> None:
    async with (
        run_duet() as duet,
        authenticated_websocket(duet, tokens.access_token(), "witness") as witness,
    ):
        async with AsyncExitStack() as stack:
            clients = await asyncio.gather(
                *(
                    stack.enter_async_context(
                        authenticated_websocket(duet, tokens.access_token(), f"c{number}")
                    )
                    for number in range(100)
                )
            )
            for number, client in enumerate(clients):
                await client.request("subscribe", channel=f"room:{number % 7}")
            for client in clients[::3]:
                client.abort()
        events = [await witness.receive() for _ in range(200)]
        for event in ("join", "leave"):
            names = [one["client_id"] for one in events if one["event"] == event]
            assert sorted(names) == sorted(f"c{number}" for number in range(100))
        assert len(hub_of(duet)) == 1  # the lobby, with the witness
    assert len(hub_of(duet)) == 0
    assert started_tasks("websocket-") == []


async def test_a_restart_closes_every_connection_with_1012(
    run_duet: RunDuet, tokens: TokenFactory, started_tasks: StartedTasks
) -> None:
    async with AsyncExitStack() as stack:
        async with run_duet() as duet:
            opening = [
                authenticated_websocket(duet, tokens.access_token()),
                authenticated_websocket(duet, tokens.access_token()),
                open_websocket(duet),
            ]
            clients = [await stack.enter_async_context(one) for one in opening]
        assert [await client.close_code() for client in clients] == [1012] * 3
    assert len(hub_of(duet)) == 0
    assert started_tasks("websocket-") == []


def slow_reader_options(duet: Duet) -> dict[str, Any]:
    """Return connection options with small buffers, so that the server soon has to wait."""
    address = urlsplit(duet.url)
    small_buffer = socket.socket()
    small_buffer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small_buffer.connect((address.hostname, address.port))
    small_buffer.setblocking(False)
    return {"sock": small_buffer, "compression": None, "max_queue": 1}
