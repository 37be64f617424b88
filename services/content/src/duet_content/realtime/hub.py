"""Channels and their members, and delivery to them, in the memory of this process."""

import asyncio
from typing import Final, Literal, Protocol

from pydantic import JsonValue

from duet_common.clock import Clock
from duet_content.realtime.messages import Message, Presence, Sender

_MAX_PAUSE_SECONDS: Final = 1.0


class Member(Protocol):
    """What the hub needs of a connection."""

    @property
    def sender(self) -> Sender: ...

    def deliver(self, text: str) -> None:
        """Queue an encoded message. It must not wait, raise, join a channel or leave one."""
        ...

    def restart(self) -> None:
        """Start to close, because the process shuts down. The client should connect again."""
        ...


class _Channel:
    def __init__(self) -> None:
        self.members: dict[Member, None] = {}  # a set that keeps the order
        self.seq = 0


class Hub:
    """The channels that have members. A channel without members is deleted, with its `seq`.

    Delivery never waits, so that receivers cannot delay a publisher.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._channels: dict[str, _Channel] = {}
        self._members: dict[Member, None] = {}

    def __len__(self) -> int:
        """Return the number of channels that have members."""
        return len(self._channels)

    def enter(self, member: Member) -> None:
        """Add a connection, which is then closed by `drain`."""
        self._members[member] = None

    def exit(self, member: Member) -> None:
        """Remove a connection, which has left its channels."""
        self._members.pop(member, None)

    async def drain(self, seconds: float) -> None:
        """Close every connection with 1012, spread over `seconds`, so that the clients do not all
        connect again at the same moment.
        """
        pause = min(_MAX_PAUSE_SECONDS, seconds / max(1, len(self._members)))
        while self._members:
            member = next(iter(self._members))
            self.exit(member)
            member.restart()
            if self._members:
                await asyncio.sleep(pause)

    def join(self, name: str, member: Member) -> None:
        """Add a member to a channel, and notify the others."""
        channel = self._channels.setdefault(name, _Channel())
        if member not in channel.members:
            self._announce("join", name, channel, member)
            channel.members[member] = None

    def leave(self, name: str, member: Member) -> None:
        """Remove a member from a channel that it is on, and notify the others."""
        channel = self._channels[name]
        del channel.members[member]
        if channel.members:
            self._announce("leave", name, channel, member)
        else:
            del self._channels[name]

    def publish(
        self, name: str, publisher: Member, data: JsonValue, message_id: str | None
    ) -> None:
        """Deliver `data` to all members of a channel, including the publisher, who is one."""
        channel = self._channels[name]
        channel.seq += 1
        message = Message(
            channel=name, seq=channel.seq, sender=publisher.sender, data=data, at=self._clock()
        )
        text = own = message.encode()
        if message_id is not None:
            own = message.model_copy(update={"id": message_id}).encode()
        for member in channel.members:
            member.deliver(own if member is publisher else text)

    def _announce(
        self, event: Literal["join", "leave"], name: str, channel: _Channel, who: Member
    ) -> None:
        text = Presence(
            channel=name,
            event=event,
            client_id=who.sender.client_id,
            user_id=who.sender.user_id,
        ).encode()
        for member in channel.members:
            member.deliver(text)
