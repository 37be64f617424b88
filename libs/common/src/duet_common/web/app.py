"""The one way to make a service's app: error handler, middleware, limits, probes, OpenAPI."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.middleware import Middleware
from starlette.types import Lifespan

from duet_common.observability.metrics import Metrics
from duet_common.observability.tracing import FASTAPI_TELEMETRY, Tracing, tracing_of
from duet_common.settings import ServiceSettings
from duet_common.web.body_limit import BodyLimitMiddleware
from duet_common.web.drain import Drain
from duet_common.web.health import Check, health_router
from duet_common.web.problems import (
    EVERYWHERE,
    Problem,
    install_error_handler,
    problems,
)
from duet_common.web.rate_limits import RateLimiter, RateLimitMiddleware
from duet_common.web.request_context import RequestContextMiddleware


def create_service(
    *,
    name: str,
    title: str,
    description: str,
    version: str,
    settings: ServiceSettings,
    lifespan: Lifespan[FastAPI],
    routers: Sequence[APIRouter],
    checks: Mapping[str, Check],
) -> FastAPI:
    """A service's app. Its lifespan sets `app.state.runtime` before anything is served.

    `name` is what metrics and traces call it; `app.state.metrics` takes its own gauges.
    """
    drain = Drain()
    metrics = Metrics(name, version)
    tracing = tracing_of(settings, name, version)
    app = FastAPI(
        title=title,
        description=description,
        version=version,
        lifespan=_observed(lifespan, metrics, tracing),
        telemetry=FASTAPI_TELEMETRY,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=problems(*EVERYWHERE),
        redirect_slashes=False,
        middleware=[
            Middleware(RequestContextMiddleware, drain=drain),
            Middleware(BodyLimitMiddleware, max_body_bytes=settings.max_body_bytes),
            Middleware(RateLimitMiddleware, settings=settings),
        ],
    )
    app.state.rate_limiter = RateLimiter(enabled=settings.rate_limit_enabled)
    install_error_handler(app)
    for router in routers:  # in the order of the search: the busiest first
        app.include_router(router)
    app.state.drain = drain
    app.include_router(health_router(checks, drain))
    _document_problems(app)
    app.state.metrics = metrics
    metrics.install(app)
    metrics.watch_pools(lambda: app.state.runtime.database.pools)
    tracing.install(app)
    return app


def _observed(lifespan: Lifespan[FastAPI], metrics: Metrics, tracing: Tracing) -> Lifespan[FastAPI]:
    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        async with tracing.running(), lifespan(app), metrics.running():
            yield

    return running


def _document_problems(app: FastAPI) -> None:
    """Put the schema that `problems` refers to into the app's OpenAPI document."""

    def openapi() -> dict[str, Any]:  # FastAPI's own signature
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            _, definitions = models_json_schema(
                [(Problem, "serialization")], ref_template="#/components/schemas/{model}"
            )
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(definitions["$defs"])
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it
