"""The tree of expected errors. Each is a class with a stable code and an HTTP status.

    DuetError
    ├── BadRequest 400
    ├── Unauthenticated 401
    ├── Forbidden 403 ── PermissionMissing
    ├── NotFound 404
    ├── Conflict 409
    ├── PreconditionFailed 412
    ├── PayloadTooLarge 413
    ├── UnsupportedMediaType 415
    ├── Unprocessable 422 ── ValidationFailed
    ├── RateLimited 429
    ├── InternalError 500
    └── Unavailable 503

A domain's `errors.py` subclasses these. `duet_common.web.problems` has the one handler.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field


class FieldLocation(StrEnum):
    """The part of a request that contains a rejected field."""

    BODY = "body"
    QUERY = "query"
    PATH = "path"
    HEADER = "header"


class FieldErrorCode(StrEnum):
    """Why a field was rejected. A code is stable, and its `params` have the given names."""

    REQUIRED = "required"
    UNKNOWN_FIELD = "unknown_field"
    WRONG_TYPE = "wrong_type"  # type
    BLANK = "blank"
    TOO_SHORT = "too_short"  # min, in characters
    TOO_LONG = "too_long"  # max, in characters
    TOO_SMALL = "too_small"  # min
    TOO_LARGE = "too_large"  # max
    INVALID_FORMAT = "invalid_format"  # format, or pattern
    INVALID_CHOICE = "invalid_choice"  # choices
    INVALID_TEXT = "invalid_text"
    INVALID_VALUE = "invalid_value"
    COMMON_PASSWORD = "common_password"


FieldErrorParam = int | float | str | list[str]


class FieldError(BaseModel):
    """One rejected field of a request."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    location: FieldLocation = Field(alias="in")
    field: str = Field(
        description="a JSON Pointer (RFC 6901) into the body, such as `/title`, or the name of the "
        "parameter; at most 64 characters"
    )
    code: FieldErrorCode
    detail: str = Field(description="for people, next to the field of a form")
    params: dict[str, FieldErrorParam] = Field(
        description='the values that `detail` mentions, such as `{"min": 8}`'
    )


class DuetError(Exception):
    """The root of every error that a caller can cause or has to know about.

    `detail` is sent to the caller unchanged, so it must not contain a secret, a stack trace or an
    SQL statement. It defaults to `title`.
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

    @classmethod
    def kinds(cls) -> Iterator[type["DuetError"]]:
        """Yield every subclass that has been imported, each after its parent."""
        for child in cls.__subclasses__():
            yield child
            yield from child.kinds()


class BadRequest(DuetError):
    status = 400
    code = "bad_request"
    title = "The request is malformed."


class MalformedBody(BadRequest):
    code = "malformed_body"
    title = "The request body cannot be parsed."


class Unauthenticated(DuetError):
    """A 401 with the challenge that RFC 6750, section 3 requires."""

    status = 401
    code = "authentication_required"
    title = "Authentication is required. Send an access token."
    challenge_error: ClassVar[str | None] = None

    def __init__(self, detail: str | None = None) -> None:
        challenge = 'Bearer realm="duet"'
        if self.challenge_error:
            challenge += f', error="{self.challenge_error}", error_description="{self.title}"'
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class InvalidToken(Unauthenticated):
    """The access token was refused. The reason is only logged, because it would help a forger."""

    code = "invalid_token"
    title = "The access token is invalid or has expired. Get a new one."
    challenge_error = "invalid_token"


class Forbidden(DuetError):
    status = 403
    code = "forbidden"
    title = "You are not allowed to do this."


class PermissionMissing(Forbidden):
    code = "permission_missing"
    title = "You do not have the required permission."

    def __init__(self, permission: str) -> None:
        super().__init__(
            f"This requires the permission {permission!r}.",
            headers={
                "WWW-Authenticate": 'Bearer realm="duet", error="insufficient_scope", '
                f'scope="{permission}"'
            },
        )


class NotFound(DuetError):
    status = 404
    code = "not_found"
    title = "Not found."


class MethodNotAllowed(DuetError):
    status = 405
    code = "method_not_allowed"
    title = "This method is not allowed for this path. See the Allow header."


class Conflict(DuetError):
    status = 409
    code = "conflict"
    title = "The request conflicts with existing data."


class PreconditionFailed(DuetError):
    status = 412
    code = "precondition_failed"
    title = "The resource has changed since you read it. Read it again, then retry."


class PayloadTooLarge(DuetError):
    status = 413
    code = "payload_too_large"
    title = "The request body is too large."


class UnsupportedMediaType(DuetError):
    """A 415 that says in `Accept` which media type the endpoint expects (RFC 9110, 15.5.16)."""

    status = 415
    code = "unsupported_media_type"
    title = "The media type of the request body is not supported. See the Accept header."

    def __init__(self, detail: str | None = None, *, accepted: str) -> None:
        super().__init__(detail, headers={"Accept": accepted})


class Unprocessable(DuetError):
    status = 422
    code = "unprocessable"
    title = "The request cannot be processed."


class ValidationFailed(Unprocessable):
    code = "validation_failed"
    title = "Some fields are invalid. See `errors`."


class RateLimited(DuetError):
    status = 429
    code = "rate_limited"
    title = "Too many requests. Retry after the time in Retry-After."


class InternalError(DuetError):
    """An unexpected exception. The problem contains nothing about it."""

    status = 500
    code = "internal_error"
    title = "Internal error. It has been logged."


class Unavailable(DuetError):
    """A 503. The caller may retry after `retry_after` seconds."""

    status = 503
    code = "unavailable"
    title = "The service is temporarily unavailable. Try again later."

    def __init__(self, detail: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    title = "The database is temporarily unavailable. Try again later."


class InvalidCursor(BadRequest):
    code = "invalid_cursor"
    title = "Invalid cursor. Use `next_cursor` from the previous page."
