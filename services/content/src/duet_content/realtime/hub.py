"""Who is on which channel, and the fan-out to them, in this process's memory."""

import asyncio
from typing import Final, Literal, Protocol

from pydantic import JsonValue

from duet_common.clock import Clock
from duet_content.realtime.messages import Message, Presence, Sender

_MAX_PAUSE_SECONDS: Final = 1.0


class Member(Protocol):
    """A connection, as the hub knows it."""

    @property
    def sender(self) -> Sender: ...

    def deliver(self, text: str) -> None:
        """Take one encoded message: at once, without an error, without joining or leaving."""
        ...

    def restart(self) -> None:
        """Begin to close, since this process goes away; the client shall come back."""
        ...


class _Channel:
    def __init__(self) -> None:
        self.members: dict[Member, None] = {}  # a set that keeps the order
        self.seq = 0


class Hub:
    """The channels that somebody is on. One that everybody has left is forgotten, with its `seq`.

    Nothing here waits: a publisher cannot be held up by those it publishes to.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._channels: dict[str, _Channel] = {}
        self._members: dict[Member, None] = {}

    def __len__(self) -> int:
        """How many channels somebody is on."""
        return len(self._channels)

    def enter(self, member: Member) -> None:
        """A connection has been welcomed."""
        self._members[member] = None

    def exit(self, member: Member) -> None:
        """A connection is gone; it has left its channels."""
        self._members.pop(member, None)

    async def drain(self, seconds: float) -> None:
        """Close every connection with 1012, spread over some seconds so that they do not all come
        back in one moment.
        """
        pause = min(_MAX_PAUSE_SECONDS, seconds / max(1, len(self._members)))
        while self._members:
            member = next(iter(self._members))
            self.exit(member)
            member.restart()
            if self._members:
                await asyncio.sleep(pause)

    def join(self, name: str, member: Member) -> None:
        """Put a member on a channel; the others hear of it."""
        channel = self._channels.setdefault(name, _Channel())
        if member not in channel.members:
            self._announce("join", name, channel, member)
            channel.members[member] = None

    def leave(self, name: str, member: Member) -> None:
        """Take a member off a channel that it is on; the others hear of it."""
        channel = self._channels[name]
        del channel.members[member]
        if channel.members:
            self._announce("leave", name, channel, member)
        else:
            del self._channels[name]

    def publish(
        self, name: str, publisher: Member, data: JsonValue, message_id: str | None
    ) -> None:
        """Deliver `data` to everybody on a channel that the publisher is on, itself included."""
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
