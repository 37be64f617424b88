"""The WebSocket endpoint: handshake, authentication, then the conversation."""

import asyncio
import re
from typing import Final

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from duet_common.errors import Unauthenticated
from duet_common.web.cors import OriginRefused
from duet_common.web.runtime import runtime_of
from duet_content.realtime.authentication import SUBPROTOCOL, authenticate, offered_subprotocols
from duet_content.realtime.connection import CloseCode, Connection, send_close
from duet_content.realtime.conversation import Conversation
from duet_content.realtime.messages import Sender
from duet_content.realtime.origins import is_origin_allowed
from duet_content.runtime import ContentRuntime

router = APIRouter()
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@router.websocket("/ws/{client_id}")
async def serve_websocket(websocket: WebSocket, client_id: str) -> None:
    """Serve a WebSocket. Every refusal is a close code: a page cannot read an HTTP status."""
    runtime = runtime_of(websocket, ContentRuntime)
    is_known = SUBPROTOCOL in offered_subprotocols(websocket)
    # A browser that offered a subprotocol fails the connection (1006) if none is selected.
    await websocket.accept(SUBPROTOCOL if is_known else None)
    if not is_origin_allowed(websocket.headers, runtime.settings.allowed_origins):
        await send_close(websocket, CloseCode.FORBIDDEN, OriginRefused.title)
        return
    if not _CLIENT_ID.fullmatch(client_id):
        reason = f"The client id must match {_CLIENT_ID.pattern}."
        await send_close(websocket, CloseCode.BAD_REQUEST, reason)
        return
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
