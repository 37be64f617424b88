"""Handles the messages of an authenticated client, and sends the replies."""

import asyncio
from typing import Final, assert_never

from duet_common.clock import Clock
from duet_common.errors import DuetError, InvalidToken
from duet_common.tokens.claims import AccessClaims
from duet_common.tokens.verifier import TokenVerifier
from duet_content.realtime.authentication import verify
from duet_content.realtime.channels import LOBBY, check_channel
from duet_content.realtime.connection import CloseCode, Connection, Frame
from duet_content.realtime.errors import MalformedMessage, NotSubscribed, TooManyChannels
from duet_content.realtime.hub import Hub
from duet_content.realtime.messages import (
    Auth,
    ClientMessage,
    Error,
    Ping,
    Pong,
    Publish,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Welcome,
    parse,
)

_MAX_CHANNELS: Final = 50


class Conversation:
    """The state of one client: its channels, and when its token expires."""

    def __init__(
        self,
        connection: Connection,
        claims: AccessClaims,
        hub: Hub,
        verifier: TokenVerifier,
        clock: Clock,
    ) -> None:
        self._connection = connection
        self._claims = claims
        self._hub = hub
        self._verifier = verifier
        self._clock = clock
        self._channels: dict[str, None] = {}  # a set that keeps the order
        self._expiry: asyncio.TimerHandle | None = None

    async def run(self, auth_id: str | None) -> None:
        """Handle messages until the client disconnects or its token expires.

        `auth_id` is the `id` of the message that contained the token, if there was one.
        """
        try:
            self._channels[LOBBY] = None
            self._hub.enter(self._connection)
            self._welcome(auth_id)
            self._hub.join(LOBBY, self._connection)
            self._schedule_expiry()
            await self._connection.listen(self._handle_frame)
        finally:
            if self._expiry is not None:
                self._expiry.cancel()
            for channel in self._channels:
                self._hub.leave(channel, self._connection)
            self._hub.exit(self._connection)

    async def _handle_frame(self, frame: Frame) -> None:
        if self._seconds_left() <= 0:  # the timer is late, or the clock was changed
            self._expire()
            return
        try:
            message = parse(frame)
        except MalformedMessage as error:
            self._refuse(error, error.message_id)
            return
        try:
            await self._handle(message)
        except DuetError as error:
            self._refuse(error, message.id)

    async def _handle(self, message: ClientMessage) -> None:
        match message:
            case Publish():
                self._publish(message)
            case Ping():
                self._connection.deliver(Pong(id=message.id).encode())
            case Subscribe():
                self._subscribe(message)
            case Unsubscribe():
                self._unsubscribe(message)
            case Auth():
                await self._extend(message)
            case _:
                assert_never(message)

    def _subscribe(self, message: Subscribe) -> None:
        channel = message.channel
        check_channel(channel, self._claims.user_id)
        if channel not in self._channels:
            if len(self._channels) >= _MAX_CHANNELS:
                raise TooManyChannels(f"The maximum is {_MAX_CHANNELS} channels per connection.")
            self._channels[channel] = None
            self._hub.join(channel, self._connection)
        self._connection.deliver(Subscribed(id=message.id).encode())

    def _unsubscribe(self, message: Unsubscribe) -> None:
        """Leave a channel. The reply is the same if the client is not subscribed to it."""
        channel = message.channel
        check_channel(channel, self._claims.user_id)
        if channel in self._channels:
            del self._channels[channel]
            self._hub.leave(channel, self._connection)
        self._connection.deliver(Unsubscribed(id=message.id).encode())

    def _publish(self, message: Publish) -> None:
        check_channel(message.channel, self._claims.user_id)
        if message.channel not in self._channels:
            raise NotSubscribed
        self._hub.publish(message.channel, self._connection, message.data, message.id)

    async def _extend(self, message: Auth) -> None:
        try:
            claims = await verify(self._verifier, message.token)
        except InvalidToken as error:
            self._connection.close(CloseCode.UNAUTHENTICATED, error.title)
            return
        if claims.user_id != self._claims.user_id:
            self._connection.close(CloseCode.FORBIDDEN, "The access token belongs to another user.")
            return
        self._claims = claims
        self._schedule_expiry()
        self._welcome(message.id)

    def _welcome(self, auth_id: str | None) -> None:
        sender = self._connection.sender
        welcome = Welcome(
            id=auth_id,
            client_id=sender.client_id,
            user_id=sender.user_id,
            channels=list(self._channels),
        )
        self._connection.deliver(welcome.encode())

    def _refuse(self, error: DuetError, message_id: str | None) -> None:
        reply = Error(id=message_id, code=error.code, detail=error.detail)
        self._connection.deliver(reply.encode())

    def _seconds_left(self) -> float:
        return self._claims.expires_at - self._clock().timestamp()

    def _schedule_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(self._seconds_left(), self._expire)

    def _expire(self) -> None:
        if self._seconds_left() > 0:  # the clock was set back, or the timer is slightly early
            self._schedule_expiry()
        else:
            self._connection.close(
                CloseCode.UNAUTHENTICATED, "The access token has expired. Get a new one."
            )
