"""What is said on an open socket, and what is answered."""

import json
from typing import Any

import pytest

from duet_common.ids import new_id
from duet_common.testing.clock import FrozenClock
from duet_common.testing.tokens import TokenFactory
from tests.integration.realtime.conftest import hub_of
from tests.support.running_duet import Duet
from tests.support.websocket_client import Talker, talking, welcomed


async def test_everyone_in_the_lobby_hears_joins_messages_and_leaves(
    trusting: Duet, tokens: TokenFactory, clock: FrozenClock
) -> None:
    ada, bob = new_id(), new_id()
    bob_is = {"client_id": "phone", "user_id": str(bob)}
    async with welcomed(trusting, tokens.access_token(ada), "laptop") as first:
        async with welcomed(trusting, tokens.access_token(bob), "phone") as second:
            presence = {"type": "presence", "channel": "lobby", **bob_is}
            assert await first.hear() == {**presence, "event": "join"}

            await second.say("publish", channel="lobby", data={"hello": ["world", None]})
            message = {
                "type": "message",
                "channel": "lobby",
                "seq": 1,
                "from": bob_is,
                "data": {"hello": ["world", None]},
                "at": clock().isoformat().replace("+00:00", "Z"),
            }
            assert await first.hear() == message
            assert await second.hear() == message
        assert await first.hear() == {**presence, "event": "leave"}


async def test_a_room_is_for_its_subscribers(trusting: Duet, tokens: TokenFactory) -> None:
    async with (
        welcomed(trusting, tokens.access_token(), "a") as first,
        welcomed(trusting, tokens.access_token(), "b") as second,
        welcomed(trusting, tokens.access_token(), "c") as outsider,
    ):
        for talker in (first, second):
            answer = await talker.ask("subscribe", channel="room:blue-1_A")
            assert answer == {"type": "subscribed", "id": "asked"}
        assert (await first.hear())["channel"] == "room:blue-1_A"

        assert (await second.ask("publish", channel="room:blue-1_A", data=1))["seq"] == 1
        assert (await first.hear())["data"] == 1

        assert await second.ask("unsubscribe", channel="room:blue-1_A") == {
            "type": "unsubscribed",
            "id": "asked",
        }
        assert (await first.hear())["event"] == "leave"
        assert (await second.ask("publish", channel="room:blue-1_A", data=2))["code"] == (
            "not_subscribed"
        )
        assert await outsider.ask("ping") == {"type": "pong", "id": "asked"}
        assert await _unheard(outsider) == []


async def test_only_the_publishers_own_copy_has_the_id(
    trusting: Duet, tokens: TokenFactory
) -> None:
    async with (
        welcomed(trusting, tokens.access_token(), "a") as first,
        welcomed(trusting, tokens.access_token(), "b") as second,
    ):
        own = await second.ask("publish", channel="lobby", data="x")
        assert (await first.hear())["type"] == "presence"
        others = await first.hear()

        assert own == {**others, "id": "asked"}


async def test_two_connections_of_one_user_are_two(trusting: Duet, tokens: TokenFactory) -> None:
    token = tokens.access_token()
    async with welcomed(trusting, token, "same") as first:
        async with welcomed(trusting, token, "same"):
            assert (await first.hear())["event"] == "join"
        assert (await first.hear())["event"] == "leave"
        assert await first.ask("ping") == {"type": "pong", "id": "asked"}


async def test_a_users_channel_is_for_the_users_own_connections(
    trusting: Duet, tokens: TokenFactory
) -> None:
    ada, bob = new_id(), new_id()
    async with (
        welcomed(trusting, tokens.access_token(ada), "laptop") as laptop,
        welcomed(trusting, tokens.access_token(ada), "phone") as phone,
        welcomed(trusting, tokens.access_token(bob), "bob") as stranger,
    ):
        for talker in (laptop, phone):
            assert (await talker.ask("subscribe", channel=f"user:{ada}"))["type"] == "subscribed"
        for kind in ("subscribe", "unsubscribe", "publish"):
            data = {"data": 1} if kind == "publish" else {}
            answer = await stranger.ask(kind, channel=f"user:{ada}", **data)
            assert (answer["type"], answer["code"]) == ("error", "forbidden")

        await laptop.ask("publish", channel=f"user:{ada}", data="to myself")
        heard = [message for message in await _unheard(phone) if message["type"] == "message"]
        assert [message["data"] for message in heard] == ["to myself"]


async def test_seq_rises_by_one_a_channel_and_begins_again_with_an_empty_one(
    trusting: Duet, tokens: TokenFactory
) -> None:
    async with welcomed(trusting, tokens.access_token()) as talker:
        await talker.ask("subscribe", channel="room:r")
        channels = ["lobby", "lobby", "room:r", "lobby", "room:r"]
        sent = [(await talker.ask("publish", channel=name, data=0))["seq"] for name in channels]
        assert sent == [1, 2, 1, 3, 2]

        await talker.ask("unsubscribe", channel="room:r")
        await talker.ask("subscribe", channel="room:r")
        assert (await talker.ask("publish", channel="room:r", data=0))["seq"] == 1


async def test_to_subscribe_twice_or_unsubscribe_twice_changes_nothing(
    trusting: Duet, tokens: TokenFactory
) -> None:
    async with (
        welcomed(trusting, tokens.access_token(), "a") as witness,
        welcomed(trusting, tokens.access_token(), "b") as talker,
    ):
        assert (await witness.hear())["event"] == "join"
        assert (await talker.ask("subscribe", channel="lobby"))["type"] == "subscribed"
        for _ in range(2):
            assert (await talker.ask("unsubscribe", channel="lobby"))["type"] == "unsubscribed"
        assert [message["event"] for message in await _unheard(witness)] == ["leave"]


@pytest.mark.parametrize(
    "channel",
    [
        *("", "lobby ", "Lobby", "posts", "room:", "room:a b", "room:a.b", "room:" + "x" * 65),
        *("room", "room:a\n", "rooms:a", "broadcast", "*", "room:é", "room:a" * 9000),
    ],
)
async def test_there_are_no_other_channels(
    trusting: Duet, tokens: TokenFactory, channel: str
) -> None:
    async with welcomed(trusting, tokens.access_token()) as talker:
        for kind in ("subscribe", "unsubscribe", "publish"):
            data = {"data": 1} if kind == "publish" else {}
            answer = await talker.ask(kind, channel=channel, **data)
            assert (answer["type"], answer["code"]) == ("error", "unknown_channel")
            assert len(answer["detail"]) < 100


async def test_a_connection_is_on_fifty_channels_at_most(
    trusting: Duet, tokens: TokenFactory
) -> None:
    async with welcomed(trusting, tokens.access_token()) as talker:
        answers = [await talker.ask("subscribe", channel=f"room:{n}") for n in range(50)]
        assert [answer["type"] for answer in answers] == ["subscribed"] * 49 + ["error"]
        assert answers[-1]["code"] == "too_many_channels"
        assert len(hub_of(trusting)) == 50

        assert (await talker.ask("subscribe", channel="room:0"))["type"] == "subscribed"
        await talker.ask("unsubscribe", channel="room:0")
        assert (await talker.ask("subscribe", channel="room:50"))["type"] == "subscribed"


@pytest.mark.parametrize(
    "data",
    [
        *(None, True, 0, -1, 2**64, 10**4000, 0.1, 1e308, "", "é\U0001f600\u2028", [], {}),
        {"b": 1, "a": {"z": [1, [2, {"y": None}]]}, "": "", "type": "publish", "__proto__": 1},
        "\\u0000",
    ],
)
async def test_data_is_any_json_and_comes_as_it_was_sent(
    trusting: Duet, tokens: TokenFactory, data: Any
) -> None:
    async with welcomed(trusting, tokens.access_token()) as talker:
        heard = (await talker.ask("publish", channel="lobby", data=data))["data"]
        assert json.dumps(heard) == json.dumps(data)


def _publishing(data: str) -> str:
    return f'{{"type": "publish", "channel": "lobby", "data": {data}}}'


MALFORMED: dict[str, str | bytes] = {
    "nothing": "",
    "no JSON": "{",
    "two values": "{}{}",
    "not an object": '["ping"]',
    "null": "null",
    "no type": "{}",
    "an unknown type": '{"type": "shout"}',
    "a server's type": '{"type": "message"}',
    "a type of another kind": '{"type": ["ping"]}',
    "a type of yet another kind": '{"type": {"a": 1}}',
    "an unknown type, long": json.dumps({"type": "x" * 60_000}),
    "an unknown field": '{"type": "ping", "extra": 1}',
    "an unknown field, long": json.dumps({"type": "ping", "x" * 60_000: 1}),
    "since": '{"type": "subscribe", "channel": "lobby", "since": 1}',
    "no channel": '{"type": "subscribe"}',
    "a channel of another kind": '{"type": "subscribe", "channel": 1}',
    "no data": '{"type": "publish", "channel": "lobby"}',
    "an id of another kind": '{"type": "ping", "id": 1}',
    "an id that is too long": json.dumps({"type": "ping", "id": "x" * 65}),
    "NUL in the id": '{"type": "ping", "id": "\\u0000"}',
    "raw NUL": '{"type": "ping", "id": "\0"}',
    "a binary frame": b'{"type": "ping"}',
    "a byte order mark": '\ufeff{"type": "ping"}',
    "objects nested deeply": '{"a":' * 10_000,
    "a lone surrogate": _publishing('"\\ud800"'),
    "a lone surrogate in a name": _publishing('{"\\udfff": 1}'),
    "NUL": _publishing('["\\u0000"]'),
    "NUL in a name": _publishing('{"\\u0000": 1}'),
    "NaN": _publishing("NaN"),
    "Infinity": _publishing("-Infinity"),
    "over every float": _publishing("[1e999]"),
    "over every float, in digits": _publishing(f"{'9' * 400}.0"),
    "an endless number": _publishing("9" * 60_000),
    "lists nested deeply": _publishing("[" * 10_000 + "]" * 10_000),
}


async def test_what_cannot_be_read_is_told_and_closes_nothing(
    trusting: Duet, tokens: TokenFactory, caplog: pytest.LogCaptureFixture
) -> None:
    async with welcomed(trusting, tokens.access_token()) as talker:
        for name, frame in MALFORMED.items():
            await talker.send(frame)
            answer = await talker.hear()
            assert (answer["type"], answer["code"]) == ("error", "malformed_message"), name
            assert 0 < len(answer["detail"]) <= 200, name
            assert "id" not in answer, name
        assert await talker.ask("ping") == {"type": "pong", "id": "asked"}
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_lists_may_nest_some_way(trusting: Duet, tokens: TokenFactory) -> None:
    async with welcomed(trusting, tokens.access_token()) as talker:
        for depth, answer in ((150, "message"), (250, "error")):
            await talker.send(_publishing("[" * depth + "]" * depth))
            assert (await talker.hear())["type"] == answer


async def test_a_refused_message_keeps_its_id_and_a_secret_is_not_told(
    trusting: Duet, tokens: TokenFactory
) -> None:
    async with welcomed(trusting, tokens.access_token()) as talker:
        answer = await talker.ask("auth", token={"secret": "hunter2"})
        assert (answer["code"], answer["id"]) == ("malformed_message", "asked")
        assert "hunter2" not in json.dumps(answer)


async def test_every_answer_repeats_the_id(trusting: Duet, tokens: TokenFactory) -> None:
    user_id = new_id()
    async with talking(trusting) as talker:
        token = tokens.access_token(user_id)
        kinds = [
            (await talker.ask("auth", token=token))["type"],
            (await talker.ask("ping"))["type"],
            (await talker.ask("subscribe", channel="room:a"))["type"],
            (await talker.ask("publish", channel="room:a", data=None))["type"],
            (await talker.ask("unsubscribe", channel="room:a"))["type"],
            (await talker.ask("subscribe", channel="nowhere"))["type"],
            (await talker.ask("shout"))["type"],
            (await talker.ask("auth", token=token))["type"],
        ]
        assert kinds == [
            *("welcome", "pong", "subscribed", "message", "unsubscribed", "error", "error"),
            "welcome",
        ]
        await talker.say("ping", id="x" * 64)
        assert (await talker.hear())["id"] == "x" * 64
        await talker.say("ping", id="")
        assert (await talker.hear())["id"] == ""
        await talker.say("ping")
        assert await talker.hear() == {"type": "pong"}


async def test_a_frame_over_64_kib_is_the_servers_to_close(
    trusting: Duet, tokens: TokenFactory
) -> None:
    async with (
        welcomed(trusting, tokens.access_token(), "a") as witness,
        welcomed(trusting, tokens.access_token(), "b") as talker,
    ):
        await talker.say("publish", channel="lobby", data="x" * 2**16)
        assert await talker.closed() == 1009
        assert [(await witness.hear())["event"] for _ in range(2)] == ["join", "leave"]


async def _unheard(talker: Talker) -> list[dict[str, Any]]:
    """What a talker was sent until now."""
    await talker.say("ping", id="until now")
    heard = []
    while (message := await talker.hear()).get("id") != "until now":
        heard.append(message)
    return heard
