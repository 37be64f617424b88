"""Authentication of a WebSocket, with a token in a subprotocol or in the first message.

The token is never in the URL, because URLs are logged. Browsers cannot send `Authorization` with a
handshake.
"""

import logging
from typing import Final

from starlette.websockets import WebSocket

from duet_common.errors import InvalidToken, Unauthenticated
from duet_common.tokens.claims import AccessClaims
from duet_common.tokens.errors import TokenRefused
from duet_common.tokens.verifier import TokenVerifier
from duet_content.realtime.connection import receive_frame
from duet_content.realtime.errors import MalformedMessage
from duet_content.realtime.messages import Auth, parse

logger = logging.getLogger(__name__)

SUBPROTOCOL: Final = "duet.v1"
_BEARER: Final = "bearer."


def offered_subprotocols(websocket: WebSocket) -> list[str]:
    offered: list[str] = websocket.scope["subprotocols"]
    return offered


async def authenticate(
    websocket: WebSocket, verifier: TokenVerifier
) -> tuple[AccessClaims, str | None]:
    """Return the claims of the token, and the `id` of the message that contained it, if any.

    Raises `Unauthenticated`, or `WebSocketDisconnect` if the client disconnects first.
    """
    tokens = [
        name.removeprefix(_BEARER)
        for name in offered_subprotocols(websocket)
        if name.startswith(_BEARER)
    ]
    if len(tokens) > 1:
        raise InvalidToken
    if tokens:
        return await verify(verifier, tokens[0]), None
    try:
        message = parse(await receive_frame(websocket))
    except MalformedMessage:
        raise Unauthenticated from None
    if not isinstance(message, Auth):
        raise Unauthenticated
    return await verify(verifier, message.token), message.id


async def verify(verifier: TokenVerifier, token: str) -> AccessClaims:
    """Return the token's claims. Raises `InvalidToken`; the reason is only logged."""
    try:
        return await verifier.verify(token)
    except TokenRefused as refused:
        logger.info("An access token was refused: %s", refused.reason)
        raise InvalidToken from None
