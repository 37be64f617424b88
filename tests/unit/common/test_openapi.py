"""Both OpenAPI documents describe authentication, errors and examples of every operation."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from duet_common.errors import DuetError
from tests.support.openapi import DOCUMENTS, OPERATIONS, Operation, documented_codes

WITHOUT_EXAMPLES = {
    "Problem",  # the shared responses have examples
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
def test_every_error_refers_to_a_shared_response_and_lists_its_codes(
    operation: Operation,
) -> None:
    document = DOCUMENTS[operation.service]
    codes = document["components"]["schemas"]["ProblemCode"]["enum"]

    for status, response in operation.definition["responses"].items():
        if status < "4":
            continue
        assert response.keys() == {"$ref", "description"}
        shared = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
        [(media_type, content)] = shared["content"].items()
        assert media_type == "application/problem+json"
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert {example["value"]["status"] for example in content["examples"].values()} == {
            int(status)
        }
        described = documented_codes(response)
        assert described
        assert set(described) <= set(codes)


@EVERY_OPERATION
def test_only_operations_with_a_body_can_refuse_a_body(operation: Operation) -> None:
    responses = operation.definition["responses"].keys()

    assert {"422", "429", "500", "503"} <= responses
    assert ("413" in responses) == ("415" in responses) == ("requestBody" in operation.definition)


@EVERY_OPERATION
def test_an_operation_id_is_the_name_of_the_route_in_camel_case(operation: Operation) -> None:
    assert re.fullmatch("[a-z]+([A-Z][a-z]+)*", operation.definition["operationId"])


@EVERY_OPERATION
def test_a_header_parameter_has_its_usual_name_and_cannot_be_null(operation: Operation) -> None:
    for parameter in operation.definition.get("parameters", ()):
        if parameter["in"] == "header":
            assert parameter["name"] in {"If-Match", "If-None-Match"}
            assert parameter["schema"]["type"] == "string"


def test_operation_ids_name_what_they_do() -> None:
    ids = {operation.definition["operationId"] for operation in OPERATIONS}

    assert {"register", "logoutAll", "listPosts", "updateMyProfile"} <= ids


@pytest.mark.parametrize("name", ["listPosts", "readPost"])
def test_a_public_read_accepts_requests_with_and_without_a_token(name: str) -> None:
    [definition] = [o.definition for o in OPERATIONS if o.definition["operationId"] == name]

    assert definition["security"] == [{}, {"oauth2": []}]


@EVERY_OPERATION
def test_a_tag_of_an_operation_is_described(operation: Operation) -> None:
    described = {tag["name"] for tag in DOCUMENTS[operation.service]["tags"] if tag["description"]}

    assert set(operation.definition["tags"]) <= described


@EVERY_OPERATION
def test_a_created_resource_has_a_location_and_a_page_a_link(operation: Operation) -> None:
    for status, response in operation.definition["responses"].items():
        headers = response.get("headers", {})
        is_page = "Page" in str(response.get("content"))
        assert ("Location" in headers) == (status == "201")
        assert ("Link" in headers) == is_page


@pytest.mark.parametrize("service", DOCUMENTS)
def test_the_enum_of_codes_has_every_error_of_the_service(service: str) -> None:
    codes = DOCUMENTS[service]["components"]["schemas"]["ProblemCode"]["enum"]

    assert codes == sorted(
        {
            error.code
            for error in every_error()
            if error.__module__.startswith(("duet_common.", f"duet_{service}."))
        }
    )


def every_error(kind: type[DuetError] = DuetError) -> Iterator[type[DuetError]]:
    for child in kind.__subclasses__():
        yield child
        yield from every_error(child)


@pytest.mark.parametrize("service", DOCUMENTS)
def test_schema_names_are_readable(service: str) -> None:
    for name in DOCUMENTS[service]["components"]["schemas"]:
        assert re.fullmatch("([A-Z][a-z]+)+", name)


@pytest.mark.parametrize("service", DOCUMENTS)
def test_no_property_has_a_default_or_splits_its_schema(service: str) -> None:
    for schema in DOCUMENTS[service]["components"]["schemas"].values():
        for definition in schema.get("properties", {}).values():
            assert definition.keys().isdisjoint({"default", "readOnly", "writeOnly"})


def test_an_email_address_in_a_response_has_its_format() -> None:
    schemas = DOCUMENTS["auth"]["components"]["schemas"]

    assert schemas["UserRead"]["properties"]["email"]["format"] == "email"


@pytest.mark.parametrize(
    ("service", "name", "schema"),
    [
        (service, name, schema)
        for service, document in DOCUMENTS.items()
        for name, schema in document["components"]["schemas"].items()
        if "properties" in schema and name not in WITHOUT_EXAMPLES
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
