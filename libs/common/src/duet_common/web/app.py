"""How every service's app is made: error handler, middleware, limits, probes, OpenAPI."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from duet_common.observability.metrics import Metrics
from duet_common.observability.tracing import FASTAPI_TELEMETRY, tracing_of
from duet_common.settings import ServiceSettings
from duet_common.web.body_limit import BodyLimitMiddleware
from duet_common.web.drain import Drain
from duet_common.web.health import Check, health_router
from duet_common.web.middleware import common_middleware
from duet_common.web.openapi import install_openapi, operation_id
from duet_common.web.problems import install_error_handler
from duet_common.web.rate_limit_middleware import RateLimitMiddleware
from duet_common.web.rate_limits import RateLimiter
from duet_common.web.runtime import R, Service


def create_service(
    *,
    name: str,
    title: str,
    description: str,
    version: str,
    tags: Mapping[str, str],
    settings: ServiceSettings,
    runtime: Callable[[], AbstractAsyncContextManager[R]],
    routers: Sequence[APIRouter],
    checks: Mapping[str, Callable[[R], Awaitable[str | None]]],
) -> Service[R]:
    """Make a service's app. Nothing is opened before its lifespan starts.

    `name` identifies the service in metrics and traces. `tags` describes the groups of operations
    in OpenAPI. `runtime` opens what the service needs at
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
        generate_unique_id_function=operation_id,
        openapi_tags=[{"name": tag, "description": text} for tag, text in tags.items()],
        servers=[{"url": "/"}],
        license_info={"name": "MIT", "identifier": "MIT"},
        redirect_slashes=False,
        middleware=[
            *common_middleware(drain, settings.allowed_origins),
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
    install_openapi(app, routers)
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
