"""The id, timing and log line of each request."""

import logging
import re
import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from duet_common.ids import new_id
from duet_common.observability.request_id import REQUEST_ID
from duet_common.paths import POLLED_PATHS
from duet_common.web.drain import Drain
from duet_common.web.problems import PROBLEM_CODE

logger = logging.getLogger("duet.request")

_ACCEPTABLE: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")


class RequestContextMiddleware:
    """Adds response headers and logs one line per request.

    The headers are `X-Request-ID` (the caller's, if it is well-formed), `X-Process-Time` (seconds
    until the response started) and `Server-Timing` (the same in milliseconds, W3C). This is pure
    ASGI: `BaseHTTPMiddleware` costs 158 µs per request and breaks context variables.
    """

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self.app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        identifier = _incoming_id(scope) or str(new_id())
        REQUEST_ID.set(identifier)
        status = 0

        async def send_timed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                seconds = time.perf_counter() - started
                message["headers"] += (
                    (b"x-request-id", identifier.encode("ascii")),
                    (b"x-process-time", b"%.6f" % seconds),
                    (b"server-timing", b"app;dur=%.3f" % (seconds * 1000)),
                )
                if self._drain.is_running:  # the next request must go to another pod
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            await self.app(scope, receive, send_timed)
        finally:
            level = logging.DEBUG if scope["path"] in POLLED_PATHS else logging.INFO
            if logger.isEnabledFor(level):
                _log_request(level, scope, status, (time.perf_counter() - started) * 1000)


def _log_request(level: int, scope: Scope, status: int, milliseconds: float) -> None:
    """Log a readable line with its parts as fields, without the query: it may contain secrets."""
    fields = {
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "duration_ms": round(milliseconds, 3),
        "client": scope["client"][0] if scope.get("client") else None,
    }
    if PROBLEM_CODE in scope:
        fields["code"] = scope[PROBLEM_CODE]
    logger.log(level, "%(method)s %(path)s %(status)d %(duration_ms).1f ms", fields, extra=fields)


def _incoming_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ACCEPTABLE.fullmatch(value):
            return str(value, "ascii")
    return None
