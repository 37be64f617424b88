"""Problem details (RFC 9457): the error handler, and the documentation of errors in OpenAPI."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from duet_common.errors import (
    BadRequest,
    DatabaseUnavailable,
    DuetError,
    FieldError,
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    ValidationFailed,
)
from duet_common.observability.request_id import REQUEST_ID

logger = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
PROBLEM_CODE: Final = "duet.problem_code"
"""The key of the ASGI scope where a sent problem leaves its code, for the request's log line."""
_MAX_FIELD_ERRORS: Final = 20
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


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
    errors: list[FieldError] | None = Field(
        None, description="the first 20 rejected fields, with 422"
    )


class _InternalError(DuetError):
    status = 500
    code = "internal_error"
    title = "Internal error. It has been logged."


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
    return problem_response(_InternalError())


def install_error_handler(app: FastAPI) -> None:
    """Install one handler for every error that an endpoint or the framework raises."""
    for kind in (DuetError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _handle)


async def _handle(request: Request, exc: Exception) -> Response:
    error = _as_duet_error(exc)
    if isinstance(error, MethodNotAllowed):
        error.headers["Allow"] = _allowed_methods(request)
    return problem_response(error)


def _as_duet_error(exc: Exception) -> DuetError:
    if isinstance(exc, DuetError):
        return exc
    if isinstance(exc, RequestValidationError):
        return _validation_failed(exc)
    if isinstance(exc, HTTPException):
        return _framework_error(exc)
    raise exc


def _validation_failed(exc: RequestValidationError) -> DuetError:
    rejected = exc.errors()
    if any(error["type"] == "json_invalid" for error in rejected):
        return MalformedBody("The request body is not valid JSON.")
    # The response never contains the input, which may be a password, and the list is bounded: a
    # megabyte of unknown fields would otherwise result in eight.
    errors = [
        FieldError(
            field=".".join(str(part) for part in error["loc"]),
            code=str(error["type"]),
            detail=str(error["msg"]),
        )
        for error in rejected[:_MAX_FIELD_ERRORS]
    ]
    return ValidationFailed(f"{len(rejected)} invalid field(s)", errors=errors)


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
        kind = BadRequest if exc.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else _InternalError
    return kind(headers=exc.headers)


def _allowed_methods(request: Request) -> str:
    """Return every method of the path (RFC 9110). Starlette names only those of one route."""
    routes = request.app.routes
    return ", ".join(
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes
        )
    )


EVERYWHERE: Final[tuple[type[DuetError], ...]] = (
    MalformedBody,
    PayloadTooLarge,
    ValidationFailed,
    RateLimited,
    DatabaseUnavailable,
)
"""Errors that every operation can respond with."""

OpenApiResponses = dict[int | str, dict[str, object]]


def problems(*errors: type[DuetError]) -> OpenApiResponses:
    """Return FastAPI's `responses` for some errors: one entry per status, one example per code.

    Usage: `@router.post(..., responses=problems(EmailTaken, InvalidToken))`.
    """
    # An operation's entry for a status replaces that of the app, so it repeats `EVERYWHERE`.
    known: dict[type[DuetError], None] = dict.fromkeys((*EVERYWHERE, *errors))
    responses: OpenApiResponses = {}
    for status in sorted({error.status for error in errors}):
        kinds = [error for error in known if error.status == status]
        responses[status] = {
            "description": "; ".join(f"`{kind.code}`: {kind.title}" for kind in kinds),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {kind.code: {"value": _example(kind)} for kind in kinds},
                }
            },
        }
    return responses


def _example(kind: type[DuetError]) -> dict[str, object]:
    example: dict[str, object] = {
        "type": f"urn:duet:problem:{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.title,
        "instance": "urn:duet:request:0198c0de-0000-7000-8000-000000000000",
        "code": kind.code,
    }
    if kind is ValidationFailed:
        example["errors"] = [{"field": "body.title", "code": "missing", "detail": "Field required"}]
    return example
