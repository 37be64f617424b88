"""Both OpenAPI documents describe authentication, errors and examples of every operation."""

from typing import Any

import pytest

from tests.support.openapi import DOCUMENTS, OPERATIONS, Operation

WITHOUT_EXAMPLES = {
    "Problem",  # each response has its own examples
    "FieldError",
    "Jwks",  # RFC 7517 describes it
    "EcJwk",
    "RsaJwk",
    "Author",  # within a post
}


EVERY_OPERATION = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


def test_the_documents_have_more_than_twenty_operations() -> None:
    assert len(OPERATIONS) > 20


@EVERY_OPERATION
def test_an_operation_documents_401_exactly_if_it_checks_credentials(
    operation: Operation,
) -> None:
    challenged = "401" in operation.definition["responses"]

    if operation.path in {"/api/v1/auth/login", "/api/v1/auth/refresh"}:
        assert challenged
        assert "security" not in operation.definition
    else:
        assert challenged == ("security" in operation.definition)


@EVERY_OPERATION
def test_every_operation_has_a_summary_and_a_group(operation: Operation) -> None:
    assert operation.definition["summary"]
    assert len(operation.definition["tags"]) == 1


@EVERY_OPERATION
def test_every_error_is_a_problem_with_an_example(operation: Operation) -> None:
    responses = operation.definition["responses"]

    errors = {status: response for status, response in responses.items() if status >= "4"}

    assert {"400", "413", "422", "429", "503"} <= errors.keys()
    for status, response in errors.items():
        [(media_type, content)] = response["content"].items()
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
        and name not in WITHOUT_EXAMPLES
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_schema_has_an_example_with_its_required_and_no_unknown_fields(
    service: str, name: str, schema: dict[str, Any]
) -> None:
    assert schema["examples"]
    for example in schema["examples"]:
        assert example.keys() <= schema["properties"].keys()
        assert example.keys() >= set(schema.get("required", []))


@pytest.mark.parametrize("service", DOCUMENTS)
def test_operation_ids_are_unique(service: str) -> None:
    ids = [
        operation.definition["operationId"]
        for operation in OPERATIONS
        if operation.service == service
    ]

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("service", DOCUMENTS)
def test_the_only_security_scheme_is_the_oauth2_password_flow(service: str) -> None:
    schemes = DOCUMENTS[service]["components"]["securitySchemes"]

    assert schemes == {
        "oauth2": {
            "type": "oauth2",
            "flows": {"password": {"scopes": {}, "tokenUrl": "/api/v1/auth/login"}},
        }
    }
