"""Both OpenAPI documents say what each operation needs, can answer, and looks like."""

from typing import Any

import pytest

from tests.support.openapi import DOCUMENTS, OPERATIONS, Operation

SHOWN_ELSEWHERE = {
    "Problem",  # each answer has its own examples
    "FieldError",
    "Jwks",  # RFC 7517 describes it
    "EcJwk",
    "RsaJwk",
    "Author",  # within a post
}


EVERY = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


def test_there_is_something_to_look_at() -> None:
    assert len(OPERATIONS) > 20


@EVERY
def test_what_needs_a_principal_says_401_and_what_does_not_names_no_scheme(
    operation: Operation,
) -> None:
    challenged = "401" in operation.definition["responses"]

    if operation.path in {"/api/v1/auth/login", "/api/v1/auth/refresh"}:
        assert challenged
        assert "security" not in operation.definition
    else:
        assert challenged == ("security" in operation.definition)


@EVERY
def test_every_operation_has_a_summary_and_a_group(operation: Operation) -> None:
    assert operation.definition["summary"]
    assert len(operation.definition["tags"]) == 1


@EVERY
def test_every_error_is_a_problem_with_an_example(operation: Operation) -> None:
    responses = operation.definition["responses"]

    errors = {status: answer for status, answer in responses.items() if status >= "4"}

    assert {"400", "413", "422", "429", "503"} <= errors.keys()
    for status, answer in errors.items():
        [(media_type, content)] = answer["content"].items()
        assert media_type == "application/problem+json"
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        for code, example in content["examples"].items():
            assert example["value"]["code"] == code
            assert example["value"]["status"] == int(status)


@pytest.mark.parametrize(
    ("service", "name", "schema"),
    [
        (service, name, schema)
        for service, document in DOCUMENTS.items()
        for name, schema in document["components"]["schemas"].items()
        if "properties" in schema
        and not name.startswith(("Page_", "Body_"))
        and name not in SHOWN_ELSEWHERE
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_schema_has_an_example_that_fits_it(
    service: str, name: str, schema: dict[str, Any]
) -> None:
    assert schema["examples"]
    for example in schema["examples"]:
        assert example.keys() <= schema["properties"].keys()
        assert example.keys() >= set(schema.get("required", []))


@pytest.mark.parametrize("service", DOCUMENTS)
def test_ids_of_operations_are_unique(service: str) -> None:
    ids = [
        operation.definition["operationId"]
        for operation in OPERATIONS
        if operation.service == service
    ]

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("service", DOCUMENTS)
def test_the_one_scheme_is_the_oauth2_password_flow(service: str) -> None:
    schemes = DOCUMENTS[service]["components"]["securitySchemes"]

    assert schemes == {
        "oauth2": {
            "type": "oauth2",
            "flows": {"password": {"scopes": {}, "tokenUrl": "/api/v1/auth/login"}},
        }
    }
