"""Problem details (RFC 9457): the one handler, and how the errors show in OpenAPI."""

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
    """A problem detail (RFC 9457). `code` is stable; branch on it, not on the texts."""

    type: str = Field(description="`urn:duet:problem:` and the code")
    title: str
    status: int
    detail: str
    instance: str = Field(description="`urn:duet:request:` and the request id, as in the logs")
    code: str
    errors: list[FieldError] | None = Field(
        None, description="the rejected fields, the first 20 of them, with 422"
    )


class _InternalError(DuetError):
    status = 500
    code = "internal_error"
    title = "Something failed here; it has been logged"


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
    """The answer to an exception that nobody expected; it tells nothing of it."""
    return problem_response(_InternalError())


def install_error_handler(app: FastAPI) -> None:
    """Make one handler answer for every error that an endpoint or the framework raises."""
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
        return MalformedBody("The body is not valid JSON")
    # The input is never echoed: it may hold a password. Nor is a list as long as the caller likes:
    # a megabyte of unknown fields would be answered with eight.
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
    """Starlette's and FastAPI's own refusals, in our tree."""
    by_status: Mapping[int, type[DuetError]] = {
        400: MalformedBody,
        404: NotFound,
        405: MethodNotAllowed,
        413: PayloadTooLarge,
    }
    kind = by_status.get(exc.status_code)
    if kind is None:
        logger.error("unmapped framework error %d: %s", exc.status_code, exc.detail)
        kind = BadRequest if exc.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else _InternalError
    return kind(headers=exc.headers)


def _allowed_methods(request: Request) -> str:
    """Every method of the path, as RFC 9110 asks: Starlette names those of one route only."""
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
"""What any operation can answer, whatever it does."""

OpenApiResponses = dict[int | str, dict[str, object]]


def problems(*errors: type[DuetError]) -> OpenApiResponses:
    """FastAPI's `responses` for these errors: one entry a status, one example a code.

    Usage: `@router.post(..., responses=problems(EmailTaken, InvalidToken))`.
    """
    # An operation's entry for a status replaces the app's, so it repeats what is everywhere.
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
