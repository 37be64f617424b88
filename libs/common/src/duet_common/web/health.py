"""Probes. `/livez` asks nothing; `/readyz` asks what a request would need."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from duet_common.web.drain import Drain

Check = Callable[[], Awaitable[bool]]
_SECONDS = 2.0


def health_router(checks: Mapping[str, Check], drain: Drain) -> APIRouter:
    """`/livez` and `/readyz`, outside of the API and of its limits."""
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def livez() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        passed = await asyncio.gather(*(_passes(check) for check in checks.values()))
        status = "draining" if drain.is_running else "ok" if all(passed) else "unavailable"
        return JSONResponse(
            {"status": status, "checks": dict(zip(checks, passed, strict=True))},
            status_code=200 if status == "ok" else 503,
        )

    return router


async def _passes(check: Check) -> bool:
    try:
        async with asyncio.timeout(_SECONDS):
            return await check()
    except Exception:
        # Any failure of a check is the answer "not ready"; its cause is in its own log line.
        return False
