"""What a client says is read strictly; what the server says is written in one way."""

import json
import uuid
from datetime import UTC, datetime

import pytest

from duet_content.realtime.errors import MalformedMessage
from duet_content.realtime.messages import (
    Auth,
    ClientMessage,
    Error,
    Message,
    Ping,
    Pong,
    Publish,
    Sender,
    Subscribe,
    Unsubscribe,
    parse,
)

USER = uuid.UUID(int=1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type": "ping"}', Ping(type="ping")),
        ('{"id": "1", "type": "ping"}', Ping(type="ping", id="1")),
        ('{"type": "auth", "token": "t"}', Auth(type="auth", token="t")),
        ('{"type": "subscribe", "channel": "c"}', Subscribe(type="subscribe", channel="c")),
        ('{"type": "unsubscribe", "channel": "c"}', Unsubscribe(type="unsubscribe", channel="c")),
        (
            '{"type": "publish", "channel": "c", "data": {"a": [1.5]}}',
            Publish(type="publish", channel="c", data={"a": [1.5]}),
        ),
    ],
)
def test_each_message_is_read_as_itself(text: str, message: ClientMessage) -> None:
    assert parse(text) == message


def test_null_is_data_but_no_data_is_not() -> None:
    message = parse('{"type": "publish", "channel": "c", "data": null}')

    assert isinstance(message, Publish)
    assert message.data is None
    with pytest.raises(MalformedMessage, match=r"publish\.data: Field required"):
        parse('{"type": "publish", "channel": "c"}')


def test_an_escaped_backslash_before_u0000_is_not_nul() -> None:
    message = parse('{"type": "ping", "id": "\\\\u0000"}')

    assert message.id == "\\u0000"


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        ('{"type": "ping", "id": "a", "extra": 1}', "a"),
        ('{"type": "shout", "id": "a"}', "a"),
        ('{"type": "ping", "id": 1}', None),
        ('{"id": "a"', None),
        ("[]", None),
        ('{"type": "ping", "id": "\ud800"}', None),
    ],
)
def test_what_cannot_be_read_keeps_an_id_that_can(text: str, message_id: str | None) -> None:
    with pytest.raises(MalformedMessage) as refused:
        parse(text)

    assert refused.value.message_id == message_id


def test_a_message_is_written_in_order_and_without_what_is_not_there() -> None:
    message = Message(
        channel="lobby",
        seq=1,
        sender=Sender(client_id="c", user_id=USER),
        data={"z": None, "a": "é"},
        at=datetime(2026, 7, 1, 12, 0, 0, 5000, tzinfo=UTC),
    )

    assert message.encode() == (
        '{"type":"message","channel":"lobby","seq":1,'
        '"from":{"client_id":"c","user_id":"00000000-0000-0000-0000-000000000001"},'
        '"data":{"z":null,"a":"é"},"at":"2026-07-01T12:00:00.005000Z"}'
    )


def test_an_answer_has_the_id_it_was_asked_with() -> None:
    assert json.loads(Pong().encode()) == {"type": "pong"}
    assert json.loads(Pong(id="").encode()) == {"type": "pong", "id": ""}
    assert json.loads(Error(id="1", code="c", detail="d").encode()) == {
        "type": "error",
        "id": "1",
        "code": "c",
        "detail": "d",
    }
