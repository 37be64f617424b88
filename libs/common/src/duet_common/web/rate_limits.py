"""Rate limits, counted by the `limits` library; `RateLimiter` is where the storage is chosen."""

import math
import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection

from duet_common.errors import RateLimited


class RateLimiter:
    """Counts requests over a moving window of one minute, in the memory of this process."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self._strategy = MovingWindowRateLimiter(MemoryStorage())

    async def hit(self, name: str, per_minute: int, key: str) -> None:
        """Count one request by `key` against the limit `name`. Raises `RateLimited`.

        The error has `Retry-After` and the headers of draft-ietf-httpapi-ratelimit-headers-10.
        """
        if not self.enabled:
            return
        limit: RateLimitItem = RateLimitItemPerMinute(per_minute, namespace=name)
        if await self._strategy.hit(limit, key):
            return
        stats = await self._strategy.get_window_stats(limit, key)
        wait = max(1, math.ceil(stats.reset_time - time.time()))
        raise RateLimited(
            f"The limit is {per_minute} requests per minute. Try again in {wait} s.",
            headers={
                "Retry-After": str(wait),
                "RateLimit": f'"{name}";r=0;t={wait}',
                "RateLimit-Policy": f'"{name}";q={per_minute};w={limit.get_expiry()}',
            },
        )


def client_address(connection: HTTPConnection) -> str:
    """Return the client's address: the peer's, or the one that trusted proxies report.

    `X-Forwarded-For` is never read here. uvicorn reads it if the peer is a trusted proxy, and
    counts from the right (langflow-ai/langflow#13509).
    """
    return connection.client.host if connection.client else "unknown"
