"""What a running service holds, for the dependencies to reach: made by its lifespan, once."""

from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import HTTPConnection

from duet_common.clock import Clock
from duet_common.db.database import Database
from duet_common.tokens.verifier import TokenVerifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The base of each service's own `Runtime`."""

    database: Database
    verifier: TokenVerifier
    clock: Clock


R = TypeVar("R", bound=Runtime)


def runtime_of(connection: HTTPConnection, kind: type[R]) -> R:
    """The runtime of the app that serves this connection; TypeError if it is of another service."""
    runtime = connection.scope["app"].state.runtime
    if not isinstance(runtime, kind):
        raise TypeError(f"{type(runtime).__name__} is not {kind.__name__}")
    return runtime
