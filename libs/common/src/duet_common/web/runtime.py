"""A service's app as its middleware, endpoints, server and tests see it, and what it runs on."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi import FastAPI
from starlette.requests import HTTPConnection

from duet_common.clock import Clock
from duet_common.db.database import Database
from duet_common.observability.metrics import Metrics
from duet_common.tokens.verifier import TokenVerifier
from duet_common.web.drain import Drain
from duet_common.web.rate_limits import RateLimiter


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The base of each service's `Runtime`: what exists from startup until shutdown."""

    database: Database
    verifier: TokenVerifier
    clock: Clock


R = TypeVar("R", bound=Runtime)
R_co = TypeVar("R_co", bound=Runtime, covariant=True)


class Service(FastAPI, Generic[R_co]):
    """A FastAPI app with typed attributes; `duet_common.web.app.create_service` makes one.

    Starlette's typed lifespan state exists only within a request. Gauges, readiness checks and
    the drain need the same objects outside of one, so they are attributes of the app.
    """

    runtime: R_co
    """Set when the lifespan starts."""
    drain: Drain
    metrics: Metrics
    rate_limiter: RateLimiter


def service_of(connection: HTTPConnection) -> Service[Runtime]:
    """Return the app that serves a connection. Raises TypeError if it is not a `Service`."""
    app = connection.scope["app"]
    if not isinstance(app, Service):
        raise TypeError(f"{type(app).__name__} is not a Service")
    return app


def runtime_of(connection: HTTPConnection, kind: type[R]) -> R:
    """Return the runtime of the app that serves a connection.

    Raises TypeError if it is the runtime of another service.
    """
    runtime = service_of(connection).runtime
    if not isinstance(runtime, kind):
        raise TypeError(f"{type(runtime).__name__} is not {kind.__name__}")
    return runtime
