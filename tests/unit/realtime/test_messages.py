"""Messages from clients are parsed strictly, and messages to clients have one encoding."""

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
def test_each_message_is_parsed_as_its_type(text: str, message: ClientMessage) -> None:
    assert parse(text) == message


def test_data_may_be_null_but_not_missing() -> None:
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
def test_the_error_of_a_malformed_message_has_its_id_if_that_is_readable(
    text: str, message_id: str | None
) -> None:
    with pytest.raises(MalformedMessage) as refused:
        parse(text)

    assert refused.value.message_id == message_id


def test_a_message_is_encoded_in_field_order_without_absent_fields() -> None:
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


def test_a_response_has_the_id_of_its_request() -> None:
    assert json.loads(Pong().encode()) == {"type": "pong"}
    assert json.loads(Pong(id="").encode()) == {"type": "pong", "id": ""}
    assert json.loads(Error(id="1", code="c", detail="d").encode()) == {
        "type": "error",
        "id": "1",
        "code": "c",
        "detail": "d",
    }
