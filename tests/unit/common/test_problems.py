"""Errors become problem details."""

import json
from collections.abc import Iterator

import pytest

from duet_common.errors import (
    DuetError,
    FieldError,
    FieldErrorCode,
    FieldLocation,
    InvalidToken,
    NotFound,
    PermissionMissing,
    RateLimited,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
)
from duet_common.observability.request_id import REQUEST_ID
from duet_common.web.problems import problem_response


def every_error(kind: type[DuetError] = DuetError) -> Iterator[type[DuetError]]:
    for child in kind.__subclasses__():
        if child.__module__ == DuetError.__module__:
            yield child
        yield from every_error(child)


def code_of(error: type[DuetError]) -> str:
    return error.code


def test_every_error_has_a_unique_code() -> None:
    codes = [error.code for error in every_error()]

    assert len(codes) == len(set(codes))
    assert all(code.replace("_", "").isalpha() and code.islower() for code in codes)


@pytest.mark.parametrize("error", list(every_error()), ids=code_of)
def test_every_error_has_a_status_and_a_title(error: type[DuetError]) -> None:
    assert 400 <= error.status < 600
    assert error.title
    assert error.title[0].isupper()


def test_an_error_becomes_a_problem_response() -> None:
    token = REQUEST_ID.set("an-id")
    response = problem_response(NotFound("There is no such thing"))
    REQUEST_ID.reset(token)

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert json.loads(bytes(response.body)) == {
        "type": "urn:duet:problem:not_found",
        "title": "Not found.",
        "status": 404,
        "detail": "There is no such thing",
        "instance": "urn:duet:request:an-id",
        "code": "not_found",
    }


def test_the_detail_defaults_to_the_title() -> None:
    assert NotFound().detail == NotFound.title


def test_a_problem_lists_the_field_errors() -> None:
    errors = [
        FieldError(
            location=FieldLocation.BODY,
            field="/title",
            code=FieldErrorCode.REQUIRED,
            detail="is required",
            params={},
        )
    ]

    body = json.loads(bytes(problem_response(ValidationFailed(errors=errors)).body))

    assert body["errors"] == [
        {
            "in": "body",
            "field": "/title",
            "code": "required",
            "detail": "is required",
            "params": {},
        }
    ]


@pytest.mark.parametrize(
    ("error", "name", "value"),
    [
        (Unauthenticated(), "www-authenticate", 'Bearer realm="duet"'),
        (
            InvalidToken(),
            "www-authenticate",
            (
                'Bearer realm="duet", error="invalid_token", '
                'error_description="The access token is invalid or has expired. Get a new one."'
            ),
        ),
        (
            PermissionMissing("users:read"),
            "www-authenticate",
            'Bearer realm="duet", error="insufficient_scope", scope="users:read"',
        ),
        (Unavailable(retry_after=7), "retry-after", "7"),
        (RateLimited(headers={"Retry-After": "3"}), "retry-after", "3"),
    ],
)
def test_a_problem_response_has_the_headers_of_its_error(
    error: DuetError, name: str, value: str
) -> None:
    assert problem_response(error).headers[name] == value
