"""The hub keeps the members of each channel and delivers messages to them."""

import json
import uuid
from typing import Any

import pytest

from duet_common.testing.clock import FrozenClock
from duet_content.realtime.hub import Hub
from duet_content.realtime.messages import Sender


class RecordingMember:
    """A member that records the messages that it receives."""

    def __init__(self, client_id: str) -> None:
        self.sender = Sender(client_id=client_id, user_id=uuid.UUID(int=1))
        self.texts: list[str] = []
        self.restarts = 0

    def deliver(self, text: str) -> None:
        self.texts.append(text)

    def restart(self) -> None:
        self.restarts += 1

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.texts]


@pytest.fixture
def hub() -> Hub:
    return Hub(FrozenClock())


def test_joins_and_leaves_are_sent_only_to_the_other_members(hub: Hub) -> None:
    first, second = RecordingMember("first"), RecordingMember("second")
    hub.join("lobby", first)
    hub.join("lobby", second)
    hub.join("lobby", second)
    hub.leave("lobby", second)

    assert [(message["event"], message["client_id"]) for message in first.messages] == [
        ("join", "second"),
        ("leave", "second"),
    ]
    assert second.messages == []


def test_a_message_is_encoded_once_for_all_members(hub: Hub) -> None:
    members = [RecordingMember(str(number)) for number in range(3)]
    for member in members:
        hub.join("lobby", member)

    hub.publish("lobby", members[0], {"n": 1}, None)

    texts = {id(member.texts[-1]) for member in members}
    assert len(texts) == 1


def test_each_channel_numbers_its_messages_until_it_is_empty(hub: Hub) -> None:
    member = RecordingMember("member")
    for name in ("lobby", "room:r"):
        hub.join(name, member)
    for name in ("lobby", "lobby", "room:r"):
        hub.publish(name, member, 0, None)
    hub.leave("room:r", member)
    hub.join("room:r", member)
    hub.publish("room:r", member, 0, None)

    assert [(message["channel"], message["seq"]) for message in member.messages] == [
        ("lobby", 1),
        ("lobby", 2),
        ("room:r", 1),
        ("room:r", 1),
    ]


def test_an_empty_channel_is_removed(hub: Hub) -> None:
    members = [RecordingMember(str(number)) for number in range(3)]
    for member in members:
        hub.join(f"room:{member.sender.client_id}", member)
        hub.join("lobby", member)
    assert len(hub) == 4

    for member in members:
        hub.leave(f"room:{member.sender.client_id}", member)
        hub.leave("lobby", member)
    assert len(hub) == 0


async def test_a_drain_restarts_each_connection_once(hub: Hub) -> None:
    members = [RecordingMember(str(number)) for number in range(3)]
    for member in members:
        hub.enter(member)
    hub.exit(members[2])

    await hub.drain(0.01)

    assert [member.restarts for member in members] == [1, 1, 0]
