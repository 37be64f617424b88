"""Probes: `/livez` checks nothing; `/readyz` checks what a request would need."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from duet_common.errors import DatabaseUnavailable
from duet_common.paths import LIVENESS_PATH, READINESS_PATH
from duet_common.web.drain import Drain

logger = logging.getLogger(__name__)

Check = Callable[[], Awaitable[str | None]]
"""Returns None if it passes, or why it fails. An exception is a failure, too."""
_CHECK_SECONDS: Final = 2.0


class Readiness:
    """Runs the checks, and logs a check whose result has changed, with the cause of a failure."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._passed: dict[str, bool] = {}

    async def check(self) -> dict[str, bool]:
        """Return the result of each check by name."""
        results = await asyncio.gather(*(self._run(name) for name in self._checks))
        return dict(zip(self._checks, results, strict=True))

    async def _run(self, name: str) -> bool:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                cause = await self._checks[name]()
        except TimeoutError:
            cause = f"no result within {_CHECK_SECONDS:g} s"
        except Exception as error:
            # Whatever a check raises, the answer is "not ready".
            cause = _describe(error)
        passed = cause is None
        if passed != self._passed.get(name, True):
            self._passed[name] = passed
            if passed:
                logger.info("Readiness check %r passes.", name)
            else:
                logger.warning("Readiness check %r fails: %s", name, cause)
        return passed


def health_router(checks: Mapping[str, Check], drain: Drain) -> APIRouter:
    """`/livez` and `/readyz`, which are not part of the API and not limited."""
    router = APIRouter(include_in_schema=False)
    readiness = Readiness(checks)

    @router.get(LIVENESS_PATH)
    async def livez() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @router.get(READINESS_PATH)
    async def readyz() -> JSONResponse:
        results = await readiness.check()
        passed = all(results.values())
        status = "draining" if drain.is_running else "ok" if passed else "unavailable"
        return JSONResponse(
            {"status": status, "checks": results}, status_code=200 if status == "ok" else 503
        )

    return router


def _describe(error: Exception) -> str:
    """Return the type and first line of an error. The checks' statements have no parameters."""
    root = error.__cause__ if isinstance(error, DatabaseUnavailable) else error
    lines = str(root).splitlines()
    return f"{type(root).__name__}: {lines[0]}" if lines else type(root).__name__
