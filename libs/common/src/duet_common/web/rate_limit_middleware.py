"""The general rate limit: per user with a valid token, per address without one."""

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from duet_common.errors import InvalidToken, RateLimited, Unavailable
from duet_common.paths import POLLED_PATHS
from duet_common.settings import ServiceSettings
from duet_common.web.principal import authenticate
from duet_common.web.problems import problem_response
from duet_common.web.rate_limits import client_address
from duet_common.web.runtime import service_of


class RateLimitMiddleware:
    """Counts every HTTP request and WebSocket handshake except those to `POLLED_PATHS`."""

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self.app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "lifespan"
            or not self._settings.rate_limit_enabled
            or scope["path"] in POLLED_PATHS
        ):
            await self.app(scope, receive, send)
            return
        try:
            await self._count(HTTPConnection(scope))
        except RateLimited as error:
            # For a WebSocket, this refuses the handshake with the same HTTP response.
            await problem_response(error)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _count(self, connection: HTTPConnection) -> None:
        limiter = service_of(connection).rate_limiter
        try:
            claims = await authenticate(connection)
        except (InvalidToken, Unavailable):
            claims = None  # the endpoint responds with 401 or 503; the attempt counts here
        if claims is None:
            limit = self._settings.rate_limit_address
            await limiter.hit("address", limit, client_address(connection))
        else:
            limit = self._settings.rate_limit_principal
            await limiter.hit("principal", limit, str(claims.user_id))
