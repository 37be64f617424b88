"""Errors become problem details, and OpenAPI documents them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from duet_common.errors import (
    BadRequest,
    Conflict,
    DuetError,
    FieldError,
    InvalidToken,
    NotFound,
    PermissionMissing,
    RateLimited,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
)
from duet_common.observability.request_id import REQUEST_ID
from duet_common.web.problems import EVERYWHERE, problem_response, problems


class First(Conflict):
    code = "first"
    title = "The first"


class Second(Conflict):
    code = "second"
    title = "The second"


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
    errors = [FieldError(field="body.title", code="missing", detail="Field required")]

    body = json.loads(bytes(problem_response(ValidationFailed(errors=errors)).body))

    assert body["errors"] == [
        {"field": "body.title", "code": "missing", "detail": "Field required"}
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


def examples(response: Any) -> dict[str, Any]:
    return {
        code: example["value"]
        for code, example in response["content"]["application/problem+json"]["examples"].items()
    }


def test_openapi_shows_one_response_per_status_and_one_example_per_code() -> None:
    responses = problems(Second, NotFound, First)

    assert list(responses) == [404, 409]
    assert responses[409]["description"] == "`second`: The second; `first`: The first"
    assert list(examples(responses[409])) == ["second", "first"]
    example = examples(responses[404])["not_found"]
    assert example["code"] == "not_found"
    assert example["status"] == 404
    assert example["type"] == "urn:duet:problem:not_found"


def test_openapi_shows_field_errors_only_for_errors_that_have_them() -> None:
    responses = problems(ValidationFailed, BadRequest)

    assert examples(responses[422])["validation_failed"]["errors"]
    assert "errors" not in examples(responses[400])["bad_request"]


def test_the_statuses_common_to_all_operations_are_400_413_422_429_and_503() -> None:
    assert {error.status for error in EVERYWHERE} == {400, 413, 422, 429, 503}
