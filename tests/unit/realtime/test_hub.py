"""The hub: who is on a channel, and what each of them hears."""

import json
import uuid
from typing import Any

import pytest

from duet_common.testing.clock import FrozenClock
from duet_content.realtime.hub import Hub
from duet_content.realtime.messages import Sender


class Ear:
    """A member that keeps what it hears."""

    def __init__(self, client_id: str) -> None:
        self.sender = Sender(client_id=client_id, user_id=uuid.UUID(int=1))
        self.texts: list[str] = []
        self.restarts = 0

    def deliver(self, text: str) -> None:
        self.texts.append(text)

    def restart(self) -> None:
        self.restarts += 1

    @property
    def heard(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.texts]


@pytest.fixture
def hub() -> Hub:
    return Hub(FrozenClock())


def test_the_others_hear_of_who_comes_and_goes_and_the_member_itself_does_not(hub: Hub) -> None:
    first, second = Ear("first"), Ear("second")
    hub.join("lobby", first)
    hub.join("lobby", second)
    hub.join("lobby", second)
    hub.leave("lobby", second)

    assert [(one["event"], one["client_id"]) for one in first.heard] == [
        ("join", "second"),
        ("leave", "second"),
    ]
    assert second.heard == []


def test_a_message_is_encoded_once_for_all(hub: Hub) -> None:
    ears = [Ear(str(number)) for number in range(3)]
    for ear in ears:
        hub.join("lobby", ear)

    hub.publish("lobby", ears[0], {"n": 1}, None)

    texts = {id(ear.texts[-1]) for ear in ears}
    assert len(texts) == 1


def test_each_channel_counts_for_itself_and_for_as_long_as_somebody_is_there(hub: Hub) -> None:
    ear = Ear("ear")
    for name in ("lobby", "room:r"):
        hub.join(name, ear)
    for name in ("lobby", "lobby", "room:r"):
        hub.publish(name, ear, 0, None)
    hub.leave("room:r", ear)
    hub.join("room:r", ear)
    hub.publish("room:r", ear, 0, None)

    assert [(one["channel"], one["seq"]) for one in ear.heard] == [
        ("lobby", 1),
        ("lobby", 2),
        ("room:r", 1),
        ("room:r", 1),
    ]


def test_an_empty_channel_is_forgotten(hub: Hub) -> None:
    ears = [Ear(str(number)) for number in range(3)]
    for ear in ears:
        hub.join(f"room:{ear.sender.client_id}", ear)
        hub.join("lobby", ear)
    assert len(hub) == 4

    for ear in ears:
        hub.leave(f"room:{ear.sender.client_id}", ear)
        hub.leave("lobby", ear)
    assert len(hub) == 0


async def test_a_drain_tells_each_connection_once(hub: Hub) -> None:
    ears = [Ear(str(number)) for number in range(3)]
    for ear in ears:
        hub.enter(ear)
    hub.exit(ears[2])

    await hub.drain(0.01)

    assert [ear.restarts for ear in ears] == [1, 1, 0]
