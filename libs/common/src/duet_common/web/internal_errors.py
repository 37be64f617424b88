"""The response to an unexpected error."""

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from duet_common.web.problems import internal_error_response

logger = logging.getLogger("duet.request")


class InternalErrorMiddleware:
    """Logs an unexpected exception, and responds with a problem detail that does not describe it.

    Starlette's own handler is outside of all middleware, so its response would have neither a
    request id nor CORS headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_started = False

        async def send_noted(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self.app(scope, receive, send_noted)
        except Exception:
            logger.exception("%s %s failed.", scope["method"], scope["path"])
            if has_started:
                raise  # too late for a response: let the server close the connection
            await internal_error_response()(scope, receive, send)
