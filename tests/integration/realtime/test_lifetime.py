"""How a connection ends, and that nothing is left of it."""

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
from tests.integration.realtime.conftest import Serve, hub_of
from tests.support.running_duet import Duet
from tests.support.websocket_client import Talker, talking, welcomed

MOMENT = timedelta(milliseconds=30)
LIFE = timedelta(minutes=10)


async def test_it_is_closed_when_the_token_expires(
    trusting: Duet, tokens: TokenFactory, clock: FrozenClock
) -> None:
    token = tokens.access_token()
    clock.advance(LIFE - MOMENT)
    async with (
        welcomed(trusting, tokens.access_token(), "witness") as witness,
        welcomed(trusting, token) as talker,
    ):
        assert (await talker.ask("ping"))["type"] == "pong"

        clock.advance(MOMENT)

        assert await talker.closed() == 4401
        assert talker.socket.close_reason == "The access token has expired"
        assert [(await witness.hear())["event"] for _ in range(2)] == ["join", "leave"]


async def test_what_is_said_after_expiry_is_not_heard(
    trusting: Duet, tokens: TokenFactory, clock: FrozenClock
) -> None:
    token = tokens.access_token()
    clock.advance(timedelta(seconds=1))
    async with (
        welcomed(trusting, tokens.access_token(), "witness") as witness,
        welcomed(trusting, token) as talker,
    ):
        clock.advance(LIFE - timedelta(seconds=1))  # the timer is 9 minutes behind

        await talker.say("publish", channel="lobby", data="too late")

        assert await talker.closed() == 4401
        assert [(await witness.hear())["type"] for _ in range(2)] == ["presence", "presence"]


async def test_a_new_token_extends_it(
    trusting: Duet, tokens: TokenFactory, clock: FrozenClock
) -> None:
    user_id = new_id()
    first = tokens.access_token(user_id)
    clock.advance(LIFE - timedelta(seconds=1))
    second = tokens.access_token(user_id)
    async with welcomed(trusting, first) as talker:
        await talker.ask("subscribe", channel="room:r")
        welcome = await talker.ask("auth", token=second)
        assert welcome["channels"] == ["lobby", "room:r"]

        clock.advance(LIFE - MOMENT)
        assert (await talker.ask("ping"))["type"] == "pong"

        clock.advance(MOMENT)
        await talker.say("ping")
        assert await talker.closed() == 4401


async def test_the_timer_goes_by_the_new_token(
    trusting: Duet, tokens: TokenFactory, clock: FrozenClock
) -> None:
    user_id = new_id()
    second = tokens.access_token(user_id)
    clock.advance(LIFE - MOMENT)
    async with welcomed(trusting, tokens.access_token(user_id)) as talker:
        assert (await talker.ask("auth", token=second))["type"] == "welcome"
        clock.advance(MOMENT)
        assert await talker.closed() == 4401


async def test_the_token_of_another_user_closes(trusting: Duet, tokens: TokenFactory) -> None:
    async with welcomed(trusting, tokens.access_token()) as talker:
        await talker.say("auth", token=tokens.access_token())
        assert await talker.closed() == 4403


async def test_a_refused_token_closes(trusting: Duet, tokens: TokenFactory) -> None:
    async with welcomed(trusting, tokens.access_token()) as talker:
        await talker.say("auth", token="forged")
        assert await talker.closed() == 4401


async def test_what_was_said_before_the_close_is_answered(
    trusting: Duet, tokens: TokenFactory
) -> None:
    async with welcomed(trusting, tokens.access_token()) as talker:
        for _ in range(3):
            await talker.say("ping")
        await talker.say("auth", token="forged")
        assert [(await talker.hear())["type"] for _ in range(3)] == ["pong"] * 3
        assert await talker.closed() == 4401


async def test_a_slow_reader_is_closed_and_disturbs_nobody(
    serve: Serve, tokens: TokenFactory
) -> None:
    async with (
        serve(ws_queue=4) as duet,
        welcomed(duet, tokens.access_token(), "publisher") as publisher,
        talking(duet, tokens.access_token(), "slow", **_narrow(duet)) as slow,
    ):
        assert (await publisher.hear())["event"] == "join"
        published = 0
        while True:
            await publisher.say("publish", channel="lobby", data="x" * 60_000)
            heard = await publisher.hear()
            if heard["type"] == "presence":
                break
            published += 1
            assert heard["seq"] == published
        assert (heard["event"], heard["client_id"]) == ("leave", "slow")
        assert (await publisher.hear())["seq"] == published + 1

        # Now it reads: what was on its way, and then why there is no more.
        assert (await slow.hear())["type"] == "welcome"
        assert await slow.closed() == 4408
        assert (await publisher.ask("ping"))["type"] == "pong"


async def test_a_reader_that_never_reads_again_is_given_up(
    serve: Serve, tokens: TokenFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duet_content.realtime.connection._LAST_WORDS_SECONDS", 0.01)
    async with (
        serve(ws_queue=4) as duet,
        welcomed(duet, tokens.access_token(), "publisher") as publisher,
        talking(duet, tokens.access_token(), "dead", **_narrow(duet)) as dead,
    ):
        assert (await publisher.hear())["event"] == "join"
        while True:
            await publisher.say("publish", channel="lobby", data="x" * 60_000)
            if (await publisher.hear())["type"] == "presence":
                break
        dead.abort()
    assert len(hub_of(duet)) == 0
    assert not _tasks()


async def test_a_burst_makes_nobody_slow(serve: Serve, tokens: TokenFactory) -> None:
    """A queue of four, and 500 messages in one packet, and 30 that publish at the same time."""
    async with serve(ws_queue=4) as duet, AsyncExitStack() as stack:
        talkers = [
            await stack.enter_async_context(welcomed(duet, tokens.access_token(), f"c{number}"))
            for number in range(30)
        ]
        one = '{"type": "publish", "channel": "lobby", "data": 1}'
        await asyncio.gather(*(talkers[0].send(one) for _ in range(500)))
        await asyncio.gather(*(talker.send(one) for talker in talkers))

        async def last_heard(talker: Talker) -> int:
            seq = 0
            while seq < 530:
                heard = await talker.hear()
                if heard["type"] == "message":
                    assert heard["seq"] == seq + 1
                    seq = heard["seq"]
            return seq

        assert await asyncio.gather(*map(last_heard, talkers)) == [530] * 30


async def test_an_aborted_connection_is_announced(trusting: Duet, tokens: TokenFactory) -> None:
    async with welcomed(trusting, tokens.access_token(), "witness") as witness:
        async with welcomed(trusting, tokens.access_token(), "cut") as cut:
            await cut.ask("subscribe", channel="room:r")
            await witness.ask("subscribe", channel="room:r")
            cut.abort()
            heard = [await witness.hear() for _ in range(2)]
        assert [(one["event"], one["channel"]) for one in heard] == [
            ("leave", "lobby"),
            ("leave", "room:r"),
        ]


async def test_a_hundred_come_and_go_and_leave_nothing(serve: Serve, tokens: TokenFactory) -> None:
    async with serve() as duet, welcomed(duet, tokens.access_token(), "witness") as witness:
        async with AsyncExitStack() as stack:
            talkers = await asyncio.gather(
                *(
                    stack.enter_async_context(welcomed(duet, tokens.access_token(), f"c{number}"))
                    for number in range(100)
                )
            )
            for number, talker in enumerate(talkers):
                await talker.ask("subscribe", channel=f"room:{number % 7}")
            for talker in talkers[::3]:
                talker.abort()
        events = [await witness.hear() for _ in range(200)]
        for event in ("join", "leave"):
            names = [one["client_id"] for one in events if one["event"] == event]
            assert sorted(names) == sorted(f"c{number}" for number in range(100))
        assert len(hub_of(duet)) == 1  # the witness's lobby
    assert len(hub_of(duet)) == 0
    assert not _tasks()


async def test_a_restart_tells_so(serve: Serve, tokens: TokenFactory) -> None:
    async with AsyncExitStack() as stack:
        async with serve() as duet:
            opening = [
                welcomed(duet, tokens.access_token()),
                welcomed(duet, tokens.access_token()),
                talking(duet),
            ]
            talkers = [await stack.enter_async_context(one) for one in opening]
        assert [await talker.closed() for talker in talkers] == [1012] * 3
    assert len(hub_of(duet)) == 0
    assert not _tasks()


def _tasks() -> list[str]:
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name for name in names if name.startswith("websocket-")]


def _narrow(duet: Duet) -> dict[str, Any]:
    """What makes a talker one whose peer soon has to wait for it to listen."""
    address = urlsplit(duet.url)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect((address.hostname, address.port))
    narrow.setblocking(False)
    return {"sock": narrow, "compression": None, "max_queue": 1}
