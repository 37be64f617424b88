"""Who speaks: the token comes with the handshake, as a subprotocol, or as the first message.

Never in the query: URLs end up in logs. A browser cannot send `Authorization` with a handshake.
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
    """The claims of an accepted WebSocket's client, and the `id` of its message if it sent one.

    Raises `Unauthenticated`, or `WebSocketDisconnect` when the client goes first.
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
    """The token's claims. Raises `InvalidToken`; the reason is for the log alone."""
    try:
        return await verifier.verify(token)
    except TokenRefused as refused:
        logger.info("token refused: %s", refused.reason)
        raise InvalidToken from None
