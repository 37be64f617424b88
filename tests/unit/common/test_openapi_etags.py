"""The OpenAPI documents describe conditional requests: 304, 412 and the `ETag` header."""

from typing import Any

import pytest

from tests.support.openapi import OPERATIONS, Operation

READS = [
    "auth: get /.well-known/jwks.json",
    *(f"content: get /api/v1/{path}" for path in ("posts/{post_id}", "profiles/me")),
    "content: get /api/v1/profiles/{user_id}",
]
WRITES = [
    *("content: patch /api/v1/posts/{post_id}", "content: delete /api/v1/posts/{post_id}"),
    "content: post /api/v1/posts/{post_id}/publish",
    "content: post /api/v1/posts/{post_id}/unpublish",
    *("content: put /api/v1/profiles/me", "content: patch /api/v1/profiles/me"),
]
EVERY_OPERATION = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


def _headers(operation: Operation) -> set[str]:
    parameters = operation.definition.get("parameters", ())
    return {parameter["name"] for parameter in parameters if parameter["in"] == "header"}


def _responses(operation: Operation) -> dict[str, dict[str, Any]]:
    responses: dict[str, dict[str, Any]] = operation.definition["responses"]
    return responses


@EVERY_OPERATION
def test_a_read_documents_304_exactly_if_it_takes_if_none_match(operation: Operation) -> None:
    expected = str(operation) in READS
    assert ("If-None-Match" in _headers(operation)) == expected
    assert ("304" in _responses(operation)) == expected


@EVERY_OPERATION
def test_a_write_documents_412_exactly_if_it_takes_if_match(operation: Operation) -> None:
    expected = str(operation) in WRITES
    assert ("If-Match" in _headers(operation)) == expected
    assert ("412" in _responses(operation)) == expected


@EVERY_OPERATION
def test_a_response_documents_the_etag_that_it_has(operation: Operation) -> None:
    expected = {
        *({"200", "304"} if str(operation) in READS else ()),
        *({"200"} if str(operation) in WRITES and operation.method != "delete" else ()),
        *({"201"} if str(operation) == "content: post /api/v1/posts" else ()),
    }
    responses = _responses(operation)
    assert {name for name in responses if "ETag" in responses[name].get("headers", {})} == expected
