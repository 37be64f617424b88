"""The messages of an open WebSocket and their replies."""

import json
from typing import Any

import pytest

from duet_common.ids import new_id
from duet_common.testing.clock import FrozenClock
from duet_common.testing.tokens import TokenFactory
from tests.integration.realtime.conftest import hub_of
from tests.support.running_duet import Duet
from tests.support.websocket_client import WebSocketClient, authenticated_websocket, open_websocket


async def test_the_lobby_receives_joins_messages_and_leaves(
    frozen_duet: Duet, tokens: TokenFactory, clock: FrozenClock
) -> None:
    ada, bob = new_id(), new_id()
    sender = {"client_id": "phone", "user_id": str(bob)}
    async with authenticated_websocket(frozen_duet, tokens.access_token(ada), "laptop") as first:
        async with authenticated_websocket(
            frozen_duet, tokens.access_token(bob), "phone"
        ) as second:
            presence = {"type": "presence", "channel": "lobby", **sender}
            assert await first.receive() == {**presence, "event": "join"}

            await second.send_message("publish", channel="lobby", data={"hello": ["world", None]})
            message = {
                "type": "message",
                "channel": "lobby",
                "seq": 1,
                "from": sender,
                "data": {"hello": ["world", None]},
                "at": clock().isoformat().replace("+00:00", "Z"),
            }
            assert await first.receive() == message
            assert await second.receive() == message
        assert await first.receive() == {**presence, "event": "leave"}


async def test_a_room_delivers_only_to_its_subscribers(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async with (
        authenticated_websocket(frozen_duet, tokens.access_token(), "a") as first,
        authenticated_websocket(frozen_duet, tokens.access_token(), "b") as second,
        authenticated_websocket(frozen_duet, tokens.access_token(), "c") as outsider,
    ):
        for client in (first, second):
            reply = await client.request("subscribe", channel="room:blue-1_A")
            assert reply == {"type": "subscribed", "id": "asked"}
        assert (await first.receive())["channel"] == "room:blue-1_A"

        assert (await second.request("publish", channel="room:blue-1_A", data=1))["seq"] == 1
        assert (await first.receive())["data"] == 1

        assert await second.request("unsubscribe", channel="room:blue-1_A") == {
            "type": "unsubscribed",
            "id": "asked",
        }
        assert (await first.receive())["event"] == "leave"
        assert (await second.request("publish", channel="room:blue-1_A", data=2))["code"] == (
            "not_subscribed"
        )
        assert await outsider.request("ping") == {"type": "pong", "id": "asked"}
        assert await received_so_far(outsider) == []


async def test_only_the_publishers_own_copy_has_the_id(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async with (
        authenticated_websocket(frozen_duet, tokens.access_token(), "a") as first,
        authenticated_websocket(frozen_duet, tokens.access_token(), "b") as second,
    ):
        own = await second.request("publish", channel="lobby", data="x")
        assert (await first.receive())["type"] == "presence"
        others = await first.receive()

        assert own == {**others, "id": "asked"}


async def test_two_connections_with_one_client_id_are_independent(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    token = tokens.access_token()
    async with authenticated_websocket(frozen_duet, token, "same") as first:
        async with authenticated_websocket(frozen_duet, token, "same"):
            assert (await first.receive())["event"] == "join"
        assert (await first.receive())["event"] == "leave"
        assert await first.request("ping") == {"type": "pong", "id": "asked"}


async def test_a_user_channel_is_open_only_to_that_user(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    ada, bob = new_id(), new_id()
    async with (
        authenticated_websocket(frozen_duet, tokens.access_token(ada), "laptop") as laptop,
        authenticated_websocket(frozen_duet, tokens.access_token(ada), "phone") as phone,
        authenticated_websocket(frozen_duet, tokens.access_token(bob), "bob") as other_user,
    ):
        for client in (laptop, phone):
            assert (await client.request("subscribe", channel=f"user:{ada}"))[
                "type"
            ] == "subscribed"
        for kind in ("subscribe", "unsubscribe", "publish"):
            data = {"data": 1} if kind == "publish" else {}
            reply = await other_user.request(kind, channel=f"user:{ada}", **data)
            assert (reply["type"], reply["code"]) == ("error", "forbidden")

        await laptop.request("publish", channel=f"user:{ada}", data="to myself")
        received = [
            message for message in await received_so_far(phone) if message["type"] == "message"
        ]
        assert [message["data"] for message in received] == ["to myself"]


async def test_seq_increases_per_channel_and_restarts_with_an_empty_channel(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async with authenticated_websocket(frozen_duet, tokens.access_token()) as client:
        await client.request("subscribe", channel="room:r")
        channels = ["lobby", "lobby", "room:r", "lobby", "room:r"]
        sent = [(await client.request("publish", channel=name, data=0))["seq"] for name in channels]
        assert sent == [1, 2, 1, 3, 2]

        await client.request("unsubscribe", channel="room:r")
        await client.request("subscribe", channel="room:r")
        assert (await client.request("publish", channel="room:r", data=0))["seq"] == 1


async def test_subscribing_or_unsubscribing_twice_changes_nothing(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async with (
        authenticated_websocket(frozen_duet, tokens.access_token(), "a") as witness,
        authenticated_websocket(frozen_duet, tokens.access_token(), "b") as client,
    ):
        assert (await witness.receive())["event"] == "join"
        assert (await client.request("subscribe", channel="lobby"))["type"] == "subscribed"
        for _ in range(2):
            assert (await client.request("unsubscribe", channel="lobby"))["type"] == "unsubscribed"
        assert [message["event"] for message in await received_so_far(witness)] == ["leave"]


@pytest.mark.parametrize(
    "channel",
    [
        *("", "lobby ", "Lobby", "posts", "room:", "room:a b", "room:a.b", "room:" + "x" * 65),
        *("room", "room:a\n", "rooms:a", "broadcast", "*", "room:é", "room:a" * 9000),
    ],
)
async def test_an_unknown_channel_is_refused(
    frozen_duet: Duet, tokens: TokenFactory, channel: str
) -> None:
    async with authenticated_websocket(frozen_duet, tokens.access_token()) as client:
        for kind in ("subscribe", "unsubscribe", "publish"):
            data = {"data": 1} if kind == "publish" else {}
            reply = await client.request(kind, channel=channel, **data)
            assert (reply["type"], reply["code"]) == ("error", "unknown_channel")
            assert len(reply["detail"]) < 100


async def test_a_connection_has_at_most_fifty_channels(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async with authenticated_websocket(frozen_duet, tokens.access_token()) as client:
        replies = [await client.request("subscribe", channel=f"room:{n}") for n in range(50)]
        assert [reply["type"] for reply in replies] == ["subscribed"] * 49 + ["error"]
        assert replies[-1]["code"] == "too_many_channels"
        assert len(hub_of(frozen_duet)) == 50

        assert (await client.request("subscribe", channel="room:0"))["type"] == "subscribed"
        await client.request("unsubscribe", channel="room:0")
        assert (await client.request("subscribe", channel="room:50"))["type"] == "subscribed"


@pytest.mark.parametrize(
    "data",
    [
        *(None, True, 0, -1, 2**64, 10**4000, 0.1, 1e308, "", "é\U0001f600\u2028", [], {}),
        {"b": 1, "a": {"z": [1, [2, {"y": None}]]}, "": "", "type": "publish", "__proto__": 1},
        "\\u0000",
    ],
)
async def test_any_json_data_is_delivered_unchanged(
    frozen_duet: Duet, tokens: TokenFactory, data: Any
) -> None:
    async with authenticated_websocket(frozen_duet, tokens.access_token()) as client:
        received = (await client.request("publish", channel="lobby", data=data))["data"]
        assert json.dumps(received) == json.dumps(data)


def _publish_frame(data: str) -> str:
    return f'{{"type": "publish", "channel": "lobby", "data": {data}}}'


MALFORMED: dict[str, str | bytes] = {
    "empty": "",
    "not JSON": "{",
    "two values": "{}{}",
    "not an object": '["ping"]',
    "null": "null",
    "no type": "{}",
    "an unknown type": '{"type": "shout"}',
    "the type of a server message": '{"type": "message"}',
    "a type that is a list": '{"type": ["ping"]}',
    "a type that is an object": '{"type": {"a": 1}}',
    "a long unknown type": json.dumps({"type": "x" * 60_000}),
    "an unknown field": '{"type": "ping", "extra": 1}',
    "a long unknown field": json.dumps({"type": "ping", "x" * 60_000: 1}),
    "since": '{"type": "subscribe", "channel": "lobby", "since": 1}',
    "no channel": '{"type": "subscribe"}',
    "a channel that is a number": '{"type": "subscribe", "channel": 1}',
    "no data": '{"type": "publish", "channel": "lobby"}',
    "an id that is a number": '{"type": "ping", "id": 1}',
    "an id that is too long": json.dumps({"type": "ping", "id": "x" * 65}),
    "NUL in the id": '{"type": "ping", "id": "\\u0000"}',
    "raw NUL": '{"type": "ping", "id": "\0"}',
    "a binary frame": b'{"type": "ping"}',
    "a byte order mark": '\ufeff{"type": "ping"}',
    "deeply nested objects": '{"a":' * 10_000,
    "a lone surrogate": _publish_frame('"\\ud800"'),
    "a lone surrogate in a name": _publish_frame('{"\\udfff": 1}'),
    "NUL": _publish_frame('["\\u0000"]'),
    "NUL in a name": _publish_frame('{"\\u0000": 1}'),
    "NaN": _publish_frame("NaN"),
    "Infinity": _publish_frame("-Infinity"),
    "a number over the float range": _publish_frame("[1e999]"),
    "a number over the float range, in digits": _publish_frame(f"{'9' * 400}.0"),
    "a number of 60,000 digits": _publish_frame("9" * 60_000),
    "deeply nested lists": _publish_frame("[" * 10_000 + "]" * 10_000),
}


async def test_a_malformed_message_gets_an_error_and_keeps_the_connection_open(
    frozen_duet: Duet, tokens: TokenFactory, caplog: pytest.LogCaptureFixture
) -> None:
    async with authenticated_websocket(frozen_duet, tokens.access_token()) as client:
        for name, frame in MALFORMED.items():
            await client.send_frame(frame)
            reply = await client.receive()
            assert (reply["type"], reply["code"]) == ("error", "malformed_message"), name
            assert 0 < len(reply["detail"]) <= 200, name
            assert "id" not in reply, name
        assert await client.request("ping") == {"type": "pong", "id": "asked"}
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_lists_may_be_nested_150_levels_but_not_250(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async with authenticated_websocket(frozen_duet, tokens.access_token()) as client:
        for depth, expected in ((150, "message"), (250, "error")):
            await client.send_frame(_publish_frame("[" * depth + "]" * depth))
            assert (await client.receive())["type"] == expected


async def test_an_error_repeats_the_id_but_not_the_token(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async with authenticated_websocket(frozen_duet, tokens.access_token()) as client:
        reply = await client.request("auth", token={"secret": "hunter2"})
        assert (reply["code"], reply["id"]) == ("malformed_message", "asked")
        assert "hunter2" not in json.dumps(reply)


async def test_every_reply_repeats_the_id(frozen_duet: Duet, tokens: TokenFactory) -> None:
    user_id = new_id()
    async with open_websocket(frozen_duet) as client:
        token = tokens.access_token(user_id)
        kinds = [
            (await client.request("auth", token=token))["type"],
            (await client.request("ping"))["type"],
            (await client.request("subscribe", channel="room:a"))["type"],
            (await client.request("publish", channel="room:a", data=None))["type"],
            (await client.request("unsubscribe", channel="room:a"))["type"],
            (await client.request("subscribe", channel="nowhere"))["type"],
            (await client.request("shout"))["type"],
            (await client.request("auth", token=token))["type"],
        ]
        assert kinds == [
            *("welcome", "pong", "subscribed", "message", "unsubscribed", "error", "error"),
            "welcome",
        ]
        await client.send_message("ping", id="x" * 64)
        assert (await client.receive())["id"] == "x" * 64
        await client.send_message("ping", id="")
        assert (await client.receive())["id"] == ""
        await client.send_message("ping")
        assert await client.receive() == {"type": "pong"}


async def test_a_frame_over_64_kib_closes_the_connection(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async with (
        authenticated_websocket(frozen_duet, tokens.access_token(), "a") as witness,
        authenticated_websocket(frozen_duet, tokens.access_token(), "b") as client,
    ):
        await client.send_message("publish", channel="lobby", data="x" * 2**16)
        assert await client.close_code() == 1009
        assert [(await witness.receive())["event"] for _ in range(2)] == ["join", "leave"]


async def received_so_far(client: WebSocketClient) -> list[dict[str, Any]]:
    """Return the messages that the client has not read yet."""
    await client.send_message("ping", id="until now")
    received = []
    while (message := await client.receive()).get("id") != "until now":
        received.append(message)
    return received
