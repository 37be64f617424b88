"""Problem details (RFC 9457): their form, and the one error handler."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from duet_common.errors import (
    BadRequest,
    DuetError,
    FieldError,
    InternalError,
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
)
from duet_common.observability.request_id import REQUEST_ID
from duet_common.web.field_errors import field_errors, validation_failed

logger = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
PROBLEM_CODE: Final = "duet.problem_code"
"""The key of the ASGI scope where a sent problem leaves its code, for the request's log line."""
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Problem(BaseModel):
    """A problem detail (RFC 9457). `code` is stable; the texts may change."""

    type: str = Field(description="`urn:duet:problem:` followed by the code")
    title: str
    status: int
    detail: str
    instance: str = Field(
        description="`urn:duet:request:` followed by the request id that the logs contain"
    )
    code: str
    errors: list[FieldError] | SkipJsonSchema[None] = Field(
        None,
        description="at most 20 rejected fields, with `validation_failed`",
    )


class _ProblemResponse(Response):
    """A problem detail that notes its code in the scope when it is sent."""

    media_type = MEDIA_TYPE

    def __init__(self, problem: Problem, headers: Mapping[str, str]) -> None:
        super().__init__(problem.model_dump_json(exclude_none=True), problem.status, headers)
        self._code = problem.code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[PROBLEM_CODE] = self._code
        await super().__call__(scope, receive, send)


def problem_response(error: DuetError) -> Response:
    """Return the response that describes an error to its caller."""
    problem = Problem(
        type=f"urn:duet:problem:{error.code}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        instance=f"urn:duet:request:{REQUEST_ID.get()}",
        code=error.code,
        errors=error.errors or None,
    )
    return _ProblemResponse(problem, {"Cache-Control": "no-store", **error.headers})


def internal_error_response() -> Response:
    """Return the response to an unexpected exception. It contains nothing about the exception."""
    return problem_response(InternalError())


def install_error_handler(app: FastAPI) -> None:
    """Install one handler for every error that an endpoint or the framework raises."""
    for kind in (DuetError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _handle)


async def _handle(request: Request, exc: Exception) -> Response:
    error = _as_duet_error(request, exc)
    if isinstance(error, MethodNotAllowed):
        error.headers["Allow"] = _allowed_methods(request)
    return problem_response(error)


def _as_duet_error(request: Request, exc: Exception) -> DuetError:
    if isinstance(exc, DuetError):
        return exc
    if isinstance(exc, RequestValidationError):
        return _validation_failed(request, exc)
    if isinstance(exc, HTTPException):
        return _framework_error(exc)
    raise exc


def _validation_failed(request: Request, exc: RequestValidationError) -> DuetError:
    rejected = exc.errors()
    if any(error["type"] == "json_invalid" for error in rejected):
        return MalformedBody("The request body is not valid JSON.")
    return validation_failed(field_errors(rejected), _expected_form(request))


def _expected_form(request: Request) -> str:
    """Say what an endpoint with a form expects: clients send JSON elsewhere."""
    route = request.scope.get("route")
    body = route.body_field if isinstance(route, APIRoute) else None
    if body is None or not isinstance(body.field_info, Form):
        return ""
    model = body.field_info.annotation
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return ""
    names = " and ".join(f"`{n}`" for n, field in model.model_fields.items() if field.is_required())
    return f" This endpoint expects the OAuth2 form ({body.field_info.media_type}) with {names}."


def _framework_error(exc: HTTPException) -> DuetError:
    """Convert an error of Starlette or FastAPI into one of our tree."""
    by_status: Mapping[int, type[DuetError]] = {
        400: MalformedBody,
        404: NotFound,
        405: MethodNotAllowed,
        413: PayloadTooLarge,
    }
    kind = by_status.get(exc.status_code)
    if kind is None:
        logger.error("Unmapped framework error %d: %s", exc.status_code, exc.detail)
        kind = BadRequest if exc.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else InternalError
    return kind(headers=exc.headers)


def _allowed_methods(request: Request) -> str:
    """Return every method of the path (RFC 9110). Starlette names only those of one route."""
    routes = request.app.routes
    allowed = [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes
        )
    ]
    if "GET" in allowed:
        allowed.insert(1, "HEAD")
    return ", ".join(allowed)
