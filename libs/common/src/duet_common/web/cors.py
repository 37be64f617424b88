"""CORS: pages of the origins in `ALLOWED_ORIGINS` can call the API from a browser."""

from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from duet_common.errors import Forbidden
from duet_common.web.problems import problem_response

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_REQUEST_HEADERS: Final = (
    *("Authorization", "Content-Type", "If-Match", "If-None-Match", "X-Request-Id"),
    *("traceparent", "tracestate", "baggage"),  # of the page's own tracing
)
_RESPONSE_HEADERS: Final = (
    *("ETag", "Link", "Location", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id"),
)
_EXPOSED: Final = ", ".join(_RESPONSE_HEADERS)
_MAX_AGE_SECONDS: Final = 2 * 60 * 60  # Chromium's maximum


class OriginRefused(Forbidden):
    code = "origin_refused"
    title = "Pages of this origin are not allowed to use this API."


class CorsMiddleware(CORSMiddleware):
    """Starlette's, except that a response to an origin that is not allowed has no CORS headers.

    A preflight request is answered here, before a token is checked and a request is counted. From
    an allowed origin it always succeeds, because the browser itself compares the method and the
    headers with the lists, and names the difference to the developer. Credentials are not allowed:
    tokens are in headers, not in cookies.
    """

    def __init__(self, app: ASGIApp, allowed_origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=frozenset(allowed_origins),
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            max_age=_MAX_AGE_SECONDS,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        origin = request_headers["origin"]
        if self.is_allowed_origin(origin):
            allowed = {"Access-Control-Allow-Origin": origin}
            return Response(status_code=204, headers={**self.preflight_headers, **allowed})
        refused = problem_response(OriginRefused())
        refused.headers["Vary"] = self.preflight_headers["Vary"]
        return refused

    @staticmethod
    def allow_explicit_origin(headers: MutableHeaders, origin: str) -> None:
        CORSMiddleware.allow_explicit_origin(headers, origin)
        # Not in `expose_headers`: Starlette would send those to every origin.
        headers["Access-Control-Expose-Headers"] = _EXPOSED
