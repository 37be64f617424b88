"""The error tree. Each expected failure is a class with a stable code and an HTTP status.

    DuetError
    ├── BadRequest 400
    ├── Unauthenticated 401
    ├── Forbidden 403 ── PermissionMissing
    ├── NotFound 404
    ├── Conflict 409
    ├── PreconditionFailed 412
    ├── PayloadTooLarge 413
    ├── Unprocessable 422 ── ValidationFailed
    ├── RateLimited 429
    └── Unavailable 503

A domain's `errors.py` subclasses these; `duet_common.web.problems` holds the one handler.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel


class FieldError(BaseModel):
    """One rejected field: its path as a JSON Pointer (RFC 6901) with its origin in front."""

    field: str
    code: str
    detail: str


class DuetError(Exception):
    """Root of every failure that a caller can cause or must know about.

    Raise it with a `detail` fit for the caller to read: it is sent as is, so it never holds a
    secret, a stack or a statement.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.headers = dict(headers or {})
        self.errors = list(errors)


class BadRequest(DuetError):
    status = 400
    code = "bad_request"
    title = "The request is malformed"


class MalformedBody(BadRequest):
    code = "malformed_body"
    title = "The body cannot be parsed"


class Unauthenticated(DuetError):
    """401 with the challenge that RFC 6750, section 3 asks for."""

    status = 401
    code = "authentication_required"
    title = "Authentication is required"
    challenge_error: ClassVar[str | None] = None

    def __init__(self, detail: str | None = None) -> None:
        challenge = 'Bearer realm="duet"'
        if self.challenge_error:
            challenge += f', error="{self.challenge_error}", error_description="{self.title}"'
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class InvalidToken(Unauthenticated):
    """A token was presented and refused. Why is logged, never told: it would guide a forger."""

    code = "invalid_token"
    title = "The access token is invalid or expired"
    challenge_error = "invalid_token"


class Forbidden(DuetError):
    status = 403
    code = "forbidden"
    title = "This is not yours to do"


class PermissionMissing(Forbidden):
    code = "permission_missing"
    title = "A permission is missing"

    def __init__(self, permission: str) -> None:
        super().__init__(
            f"This needs the permission {permission!r}",
            headers={
                "WWW-Authenticate": 'Bearer realm="duet", error="insufficient_scope", '
                f'scope="{permission}"'
            },
        )


class NotFound(DuetError):
    status = 404
    code = "not_found"
    title = "There is nothing here"


class MethodNotAllowed(DuetError):
    status = 405
    code = "method_not_allowed"
    title = "This method is not allowed here"


class Conflict(DuetError):
    status = 409
    code = "conflict"
    title = "The request conflicts with what is stored"


class PreconditionFailed(DuetError):
    status = 412
    code = "precondition_failed"
    title = "It has changed since you read it"


class PayloadTooLarge(DuetError):
    status = 413
    code = "payload_too_large"
    title = "The body is larger than allowed"


class Unprocessable(DuetError):
    status = 422
    code = "unprocessable"
    title = "The request cannot be processed"


class ValidationFailed(Unprocessable):
    code = "validation_failed"
    title = "Some fields are invalid"


class RateLimited(DuetError):
    status = 429
    code = "rate_limited"
    title = "Too many requests"


class Unavailable(DuetError):
    """503; the caller may try again after `retry_after` seconds."""

    status = 503
    code = "unavailable"
    title = "The service cannot answer right now"

    def __init__(self, detail: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    title = "The database cannot be reached"


class InvalidCursor(BadRequest):
    code = "invalid_cursor"
    title = "The cursor is not one of ours"
