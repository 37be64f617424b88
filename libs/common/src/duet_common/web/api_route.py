"""What FastAPI does not check: the names of query parameters and the media type of a body."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Body, Query
from fastapi.routing import APIRoute

from duet_common.errors import UnsupportedMediaType
from duet_common.web.field_errors import unknown_parameters, validation_failed

_JSON: Final = "application/json"


class ApiRoute(APIRoute):
    """A route that refuses unknown query parameters, and a body of another media type.

    Usage: `APIRouter(route_class=ApiRoute)`.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known = frozenset(
            parameter.alias
            for parameter in get_flat_params(self.dependant)
            if isinstance(parameter.field_info, Query)
        )
        body = None if self.body_field is None else self.body_field.field_info
        accepted = body.media_type if isinstance(body, Body) else None

        async def check_and_handle(request: Request) -> Response:
            if request.scope["query_string"]:
                _check_query(request, known)
            if accepted is not None:
                _check_media_type(request, accepted)
            return await handle(request)

        return check_and_handle


def _check_query(request: Request, known: frozenset[str]) -> None:
    """Raise `ValidationFailed` for parameters that the endpoint does not have."""
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise validation_failed(unknown_parameters(unknown))


def _check_media_type(request: Request, accepted: str) -> None:
    """Raise `UnsupportedMediaType` for a body that is declared as another media type, or as none.

    A request without a body is not refused here: validation reports the missing body.
    """
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == accepted:
        return
    if accepted == _JSON and media_type.startswith("application/") and media_type.endswith("+json"):
        return
    raise UnsupportedMediaType(f"Send the request body as {accepted}.", accepted=accepted)
