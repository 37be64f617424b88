"""The WebSocket endpoint: handshake, authentication, then the conversation."""

import asyncio
import re
from typing import Final

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from duet_common.errors import FieldError, FieldErrorCode, FieldLocation, Unauthenticated
from duet_common.web.field_errors import validation_failed
from duet_common.web.runtime import runtime_of
from duet_content.realtime.authentication import SUBPROTOCOL, authenticate, offered_subprotocols
from duet_content.realtime.connection import CloseCode, Connection, send_close
from duet_content.realtime.conversation import Conversation
from duet_content.realtime.messages import Sender
from duet_content.realtime.origins import check_origin
from duet_content.runtime import ContentRuntime

router = APIRouter()
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@router.websocket("/ws/{client_id}")
async def serve_websocket(websocket: WebSocket, client_id: str) -> None:
    """Serve a WebSocket. An error is a problem detail before it is accepted, then a close code."""
    runtime = runtime_of(websocket, ContentRuntime)
    check_origin(websocket.headers, runtime.settings.ws_allowed_origins)
    _check_client_id(client_id)
    # Accept before the token is checked: a page can read a close code, but not an HTTP status.
    is_known = SUBPROTOCOL in offered_subprotocols(websocket)
    await websocket.accept(SUBPROTOCOL if is_known else None)
    try:
        async with asyncio.timeout(runtime.settings.ws_authentication_seconds):
            claims, auth_id = await authenticate(websocket, runtime.verifier)
    except WebSocketDisconnect:
        return
    except Unauthenticated as error:
        await send_close(websocket, CloseCode.UNAUTHENTICATED, error.title)
        return
    except TimeoutError:
        await send_close(websocket, CloseCode.UNAUTHENTICATED, Unauthenticated.title)
        return
    sender = Sender(client_id=client_id, user_id=claims.user_id)
    async with Connection(websocket, sender, runtime.settings.ws_queue) as connection:
        conversation = Conversation(
            connection, claims, runtime.hub, runtime.verifier, runtime.clock
        )
        await conversation.run(auth_id)


def _check_client_id(client_id: str) -> None:
    if not _CLIENT_ID.fullmatch(client_id):
        error = FieldError(
            location=FieldLocation.PATH,
            field="client_id",
            code=FieldErrorCode.INVALID_FORMAT,
            detail=f"must match {_CLIENT_ID.pattern}",
            params={"pattern": _CLIENT_ID.pattern},
        )
        raise validation_failed([error])
