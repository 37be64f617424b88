"""Rate limits, counted by the `limits` library; `RateLimiter` is where the storage is chosen."""

import math
import time
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from duet_common.errors import InvalidToken, RateLimited, Unavailable
from duet_common.settings import ServiceSettings
from duet_common.web.principal import authenticate
from duet_common.web.problems import problem_response

# A verifier that is refused the public keys would refuse good tokens after a rotation.
_UNLIMITED: Final = frozenset({"/livez", "/readyz", "/metrics", "/.well-known/jwks.json"})


class RateLimiter:
    """Counts requests in a moving window of a minute, in this process's memory."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self._strategy = MovingWindowRateLimiter(MemoryStorage())

    async def hit(self, name: str, per_minute: int, key: str) -> None:
        """Count one request of `key` against the limit `name`. Raises `RateLimited`.

        The headers are those of draft-ietf-httpapi-ratelimit-headers-10, and `Retry-After`.
        """
        if not self.enabled:
            return
        limit: RateLimitItem = RateLimitItemPerMinute(per_minute, namespace=name)
        if await self._strategy.hit(limit, key):
            return
        stats = await self._strategy.get_window_stats(limit, key)
        wait = max(1, math.ceil(stats.reset_time - time.time()))
        raise RateLimited(
            f"Over {per_minute} requests a minute; try again in {wait} s",
            headers={
                "Retry-After": str(wait),
                "RateLimit": f'"{name}";r=0;t={wait}',
                "RateLimit-Policy": f'"{name}";q={per_minute};w={limit.get_expiry()}',
            },
        )


def client_address(connection: HTTPConnection) -> str:
    """The address of the peer, or, behind trusted proxies only, the one the server worked out.

    `X-Forwarded-For` is never read here: uvicorn does, for the networks it was told to trust,
    counting from the right (langflow-ai/langflow#13509).
    """
    return connection.client.host if connection.client else "unknown"


class RateLimitMiddleware:
    """The limit that everything is under: by user with a valid token, by address without."""

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self.app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "lifespan"
            or not self._settings.rate_limit_enabled
            or scope["path"] in _UNLIMITED
        ):
            await self.app(scope, receive, send)
            return
        try:
            await self._count(HTTPConnection(scope))
        except RateLimited as error:
            # On a WebSocket this refuses the handshake with the same HTTP answer.
            await problem_response(error)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _count(self, connection: HTTPConnection) -> None:
        limiter = rate_limiter_of(connection)
        try:
            claims = await authenticate(connection)
        except (InvalidToken, Unavailable):
            claims = None  # the endpoint answers 401 or 503; the address pays for the attempt
        if claims is None:
            await limiter.hit(
                "address", self._settings.rate_limit_address, client_address(connection)
            )
        else:
            await limiter.hit("principal", self._settings.rate_limit_principal, str(claims.user_id))


def rate_limiter_of(connection: HTTPConnection) -> RateLimiter:
    limiter = connection.scope["app"].state.rate_limiter
    if not isinstance(limiter, RateLimiter):
        raise TypeError("the app has no rate limiter")
    return limiter
