"""HEAD: the response to GET, without its body (RFC 9110, section 9.3.2)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from duet_common.web.problems import PROBLEM_CODE


class HeadMiddleware:
    """Passes a HEAD request on as GET, and leaves the body out of the response.

    FastAPI's routes do not answer HEAD. A second method per route would appear in OpenAPI.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        inner = {**scope, "method": "GET"}
        await self.app(inner, receive, send_without_body)
        if PROBLEM_CODE in inner:  # for the log line, which is written outside
            scope[PROBLEM_CODE] = inner[PROBLEM_CODE]
