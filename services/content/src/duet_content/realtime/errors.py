"""What can go wrong on a WebSocket: before it opens as a problem detail, later as an `error`."""

from duet_common.errors import BadRequest, Conflict, Forbidden, NotFound


class OriginRefused(Forbidden):
    code = "origin_refused"
    title = "Pages of this origin may not open a WebSocket here"


class MalformedMessage(BadRequest):
    """`message_id` is the `id` of what could not be read, where that at least could be."""

    code = "malformed_message"
    title = "The message cannot be read"

    def __init__(self, detail: str, message_id: str | None = None) -> None:
        super().__init__(detail)
        self.message_id = message_id


class UnknownChannel(NotFound):
    code = "unknown_channel"
    title = "There is no such channel"


class NotYourChannel(Forbidden):
    title = "This channel is another user's"


class NotSubscribed(Conflict):
    code = "not_subscribed"
    title = "Subscribe to a channel before you publish to it"


class TooManyChannels(Conflict):
    code = "too_many_channels"
    title = "This connection is on too many channels"
