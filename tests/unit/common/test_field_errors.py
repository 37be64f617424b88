"""Field errors have stable codes, and texts for people who fill in a form."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr, ValidationError

from duet_common.errors import FieldErrorCode
from duet_common.web.field_errors import field_errors, rejected, unknown_parameters
from duet_common.web.schemas import NonBlank, RequestModel


class Address(BaseModel):
    city: str


class Form(RequestModel):
    title: Annotated[NonBlank, Field(max_length=5)] = "title"
    password: Annotated[SecretStr, Field(min_length=8, max_length=128)] = SecretStr("a" * 8)
    single: Annotated[str, Field(min_length=1)] = "x"
    number: Annotated[int, Field(ge=1, le=100)] = 1
    flag: bool = True
    status: Literal["published", "draft"] = "draft"
    slug: Annotated[str, Field(pattern="^[a-z]+$")] = "a"
    address: Address = Address(city="London")
    addresses: Annotated[list[Address], Field(default_factory=list)]


def errors_of(values: object) -> list[dict[str, object]]:
    """Return the field errors of a body as they are sent."""
    with pytest.raises(ValidationError) as raised:
        Form.model_validate(values)
    found = [{**error, "loc": ("body", *error["loc"])} for error in raised.value.errors()]
    return [error.model_dump(mode="json") for error in field_errors(found)]


@pytest.mark.parametrize(
    ("name", "value", "code", "detail", "params"),
    [
        ("title", " ", "blank", "must not be blank", {}),
        ("title", "a\0", "invalid_text", "must not contain the character U+0000", {}),
        ("title", "\ud800", "invalid_text", "must be valid Unicode text", {}),
        ("title", "abcdef", "too_long", "must have at most 5 characters", {"max": 5}),
        ("title", 7, "wrong_type", "must be a string", {"type": "string"}),
        ("title", None, "wrong_type", "must be a string", {"type": "string"}),
        ("password", "short", "too_short", "must have at least 8 characters", {"min": 8}),
        ("password", "x" * 129, "too_long", "must have at most 128 characters", {"max": 128}),
        ("single", "", "too_short", "must have at least 1 character", {"min": 1}),
        ("number", 0, "too_small", "must be at least 1", {"min": 1}),
        ("number", 101, "too_large", "must be at most 100", {"max": 100}),
        ("number", "x", "wrong_type", "must be a whole number", {"type": "integer"}),
        ("number", 1.5, "wrong_type", "must be a whole number", {"type": "integer"}),
        ("flag", "perhaps", "wrong_type", "must be true or false", {"type": "boolean"}),
        (
            *("status", "secret", "invalid_choice", "must be 'published' or 'draft'"),
            {"choices": ["published", "draft"]},
        ),
        ("slug", "A", "invalid_format", "must match ^[a-z]+$", {"pattern": "^[a-z]+$"}),
        ("address", [], "wrong_type", "must be an object", {"type": "object"}),
        ("addresses", {}, "wrong_type", "must be a list", {"type": "array"}),
        ("unknown", 1, "unknown_field", "is not a known field", {}),
    ],
)
def test_an_invalid_value_has_a_code_a_text_and_params(
    name: str, value: object, code: str, detail: str, params: dict[str, object]
) -> None:
    assert errors_of({name: value}) == [
        {"in": "body", "field": f"/{name}", "code": code, "detail": detail, "params": params}
    ]


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ([], ""),
        ({"address": {}}, "/address/city"),
        ({"addresses": [{"city": "Rome"}, {}]}, "/addresses/1/city"),
        ({"a/b~c": 1}, "/a~1b~0c"),
        ({"x" * 1000: 1}, "/" + "x" * 63),
    ],
    ids=["the body", "nested", "in a list", "escaped", "cut off after 64 characters"],
)
def test_a_field_of_a_body_is_named_by_a_json_pointer(values: object, pointer: str) -> None:
    assert [error["field"] for error in errors_of(values)] == [pointer]


def test_at_most_twenty_errors_are_returned() -> None:
    assert len(errors_of({f"x{number}": 1 for number in range(1000)})) == 20


def test_a_parameter_has_one_error_although_each_member_of_its_union_refused_it() -> None:
    errors = field_errors(
        [
            {"type": "uuid_parsing", "loc": ("query", "author", "uuid"), "ctx": {"error": "x"}},
            {
                "type": "literal_error",
                "loc": ("query", "author", "me"),
                "ctx": {"expected": "'me'"},
            },
        ]
    )

    assert [error.field for error in errors] == ["author"]


def test_an_unknown_kind_of_error_is_not_described_by_the_library() -> None:
    [error] = field_errors([{"type": "new_in_pydantic", "loc": ("body", "x"), "msg": "Value …"}])

    assert (error.code, error.detail) == (FieldErrorCode.INVALID_VALUE, "is not valid")


def test_a_validator_can_use_a_param_in_its_text() -> None:
    error = rejected(FieldErrorCode.TOO_LARGE, "must be at most {max} days", max=3)

    assert error.message() == "must be at most 3 days"


def test_an_unknown_query_parameter_is_named() -> None:
    [error] = unknown_parameters(["debug"])

    assert error.model_dump(mode="json") == {
        "in": "query",
        "field": "debug",
        "code": "unknown_field",
        "detail": "is not a known field",
        "params": {},
    }
