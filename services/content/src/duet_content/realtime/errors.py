"""Errors of WebSockets, which are `error` messages."""

from duet_common.errors import BadRequest, Conflict, Forbidden, NotFound


class MalformedMessage(BadRequest):
    """A message that cannot be parsed. `message_id` is its `id`, if that can be read."""

    code = "malformed_message"
    title = "The message cannot be parsed."

    def __init__(self, detail: str, message_id: str | None = None) -> None:
        super().__init__(detail)
        self.message_id = message_id


class UnknownChannel(NotFound):
    code = "unknown_channel"
    title = "Channel not found."


class NotYourChannel(Forbidden):
    title = "This channel belongs to another user."


class NotSubscribed(Conflict):
    code = "not_subscribed"
    title = "Subscribe to the channel before you publish to it."


class TooManyChannels(Conflict):
    code = "too_many_channels"
    title = "This connection is subscribed to too many channels."
