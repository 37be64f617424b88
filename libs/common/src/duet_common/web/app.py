"""How every service's app is made: error handler, middleware, limits, probes, OpenAPI."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.middleware import Middleware

from duet_common.observability.metrics import Metrics
from duet_common.observability.tracing import FASTAPI_TELEMETRY, tracing_of
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
from duet_common.web.rate_limit_middleware import RateLimitMiddleware
from duet_common.web.rate_limits import RateLimiter
from duet_common.web.request_context import RequestContextMiddleware
from duet_common.web.runtime import R, Service


def create_service(
    *,
    name: str,
    title: str,
    description: str,
    version: str,
    settings: ServiceSettings,
    runtime: Callable[[], AbstractAsyncContextManager[R]],
    routers: Sequence[APIRouter],
    checks: Mapping[str, Callable[[R], Awaitable[str | None]]],
) -> Service[R]:
    """Make a service's app. Nothing is opened before its lifespan starts.

    `name` identifies the service in metrics and traces. `runtime` opens what the service needs at
    startup and closes it at shutdown. `checks` are the parts of readiness: each returns None, or
    why the service is not ready.
    """
    drain = Drain()
    metrics = Metrics(name, version)
    tracing = tracing_of(settings, name, version)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with tracing.running(), runtime() as app.runtime, metrics.running():
            yield

    app = Service[R](
        title=title,
        description=description,
        version=version,
        lifespan=lifespan,
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
    app.drain = drain
    app.metrics = metrics
    app.rate_limiter = RateLimiter(enabled=settings.rate_limit_enabled)
    install_error_handler(app)
    for router in routers:  # matched in this order: the busiest first
        app.include_router(router)
    app.include_router(health_router(_bound(checks, app), drain))
    _document_problems(app)
    metrics.install(app)
    metrics.watch_pools(lambda: app.runtime.database.pools)
    tracing.install(app)
    return app


def _bound(
    checks: Mapping[str, Callable[[R], Awaitable[str | None]]], app: Service[R]
) -> dict[str, Check]:
    """The checks, each bound to the runtime that the app has when it is called."""

    def bind(check: Callable[[R], Awaitable[str | None]]) -> Check:
        return lambda: check(app.runtime)

    return {name: bind(check) for name, check in checks.items()}


def _document_problems(app: FastAPI) -> None:
    """Add the schema that `problems` refers to, to the app's OpenAPI document."""

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
