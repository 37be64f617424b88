"""Field errors from pydantic's: stable codes, and texts that a form can show next to a field."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import PydanticCustomError

from duet_common.errors import (
    FieldError,
    FieldErrorCode,
    FieldErrorParam,
    FieldLocation,
    ValidationFailed,
)

_MAX_FIELD_ERRORS: Final = 20
_MAX_FIELD_LENGTH: Final = 64
_OWN: Final = "duet:"
"""Distinguishes our codes from pydantic's, some of which have the same names."""


def rejected(code: FieldErrorCode, text: str, **params: FieldErrorParam) -> PydanticCustomError:
    """Return the error that a validator raises. `text` completes "The field …" and may use params.

    Usage: `raise rejected(FieldErrorCode.BLANK, "must not be blank")`.
    """
    return PydanticCustomError(f"{_OWN}{code}", text, {**params})


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a type of pydantic's errors becomes. `text` may use the params."""

    code: FieldErrorCode
    text: str
    params: Mapping[str, FieldErrorParam] | None = None
    """Constant params; those of pydantic's context are renamed by `_PARAMS`."""


def _wrong_type(name: str, text: str) -> _Kind:
    return _Kind(FieldErrorCode.WRONG_TYPE, text, {"type": name})


_STRING: Final = _wrong_type("string", "must be a string")
_INTEGER: Final = _wrong_type("integer", "must be a whole number")
_BOOLEAN: Final = _wrong_type("boolean", "must be true or false")
_OBJECT: Final = _wrong_type("object", "must be an object")
_UUID: Final = _Kind(FieldErrorCode.INVALID_FORMAT, "must be a UUID", {"format": "uuid"})
_SHORT: Final = _Kind(FieldErrorCode.TOO_SHORT, "must have at least {min} character{s}")
_LONG: Final = _Kind(FieldErrorCode.TOO_LONG, "must have at most {max} character{s}")
_CHOICE: Final = _Kind(FieldErrorCode.INVALID_CHOICE, "must be {expected}")
_OTHER: Final = _Kind(FieldErrorCode.INVALID_VALUE, "is not valid")

_KINDS: Final[Mapping[str, _Kind]] = {
    "missing": _Kind(FieldErrorCode.REQUIRED, "is required"),
    "extra_forbidden": _Kind(FieldErrorCode.UNKNOWN_FIELD, "is not a known field"),
    "string_type": _STRING,
    "string_unicode": _Kind(FieldErrorCode.INVALID_TEXT, "must be valid Unicode text"),
    "int_type": _INTEGER,
    "int_parsing": _INTEGER,
    "int_parsing_size": _INTEGER,
    "int_from_float": _INTEGER,
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
    "list_type": _wrong_type("array", "must be a list"),
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "string_too_short": _SHORT,
    "too_short": _SHORT,
    "string_too_long": _LONG,
    "too_long": _LONG,
    "greater_than_equal": _Kind(FieldErrorCode.TOO_SMALL, "must be at least {min}"),
    "less_than_equal": _Kind(FieldErrorCode.TOO_LARGE, "must be at most {max}"),
    "string_pattern_mismatch": _Kind(FieldErrorCode.INVALID_FORMAT, "must match {pattern}"),
    "uuid_type": _UUID,
    "uuid_parsing": _UUID,
    "uuid_version": _UUID,
    "enum": _CHOICE,
    "literal_error": _CHOICE,
}
_PARAMS: Final = {
    "min_length": "min",
    "max_length": "max",
    "ge": "min",
    "le": "max",
    "pattern": "pattern",
}


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Return at most 20 field errors for pydantic's, one per parameter. They contain no input.

    The input may be a password, and the list is bounded: a megabyte of unknown fields would
    otherwise result in eight.
    """
    found: dict[tuple[object, ...], FieldError] = {}
    for error in errors:
        location = FieldLocation(error["loc"][0])
        # The loc of a parameter goes on with the member of a union that refused it.
        path = error["loc"][1:] if location is FieldLocation.BODY else error["loc"][1:2]
        if (location, *path) not in found:
            found[location, *path] = _field_error(location, path, error)
        if len(found) == _MAX_FIELD_ERRORS:
            break
    return list(found.values())


def unknown_parameters(names: Sequence[str]) -> list[FieldError]:
    """Return the field errors for query parameters that an endpoint does not have, at most 20."""
    return field_errors([{"type": "extra_forbidden", "loc": ("query", name)} for name in names])


def validation_failed(errors: Sequence[FieldError], hint: str = "") -> ValidationFailed:
    """Return the problem that lists the field errors."""
    number = "1 field is" if len(errors) == 1 else f"{len(errors)} fields are"
    if len(errors) == _MAX_FIELD_ERRORS:
        number = f"At least {number}"
    return ValidationFailed(f"{number} invalid. See `errors`.{hint}", errors=errors)


def _field_error(
    location: FieldLocation, path: Sequence[str | int], error: Mapping[str, Any]
) -> FieldError:
    field = _pointer(path) if location is FieldLocation.BODY else str(path[0])
    kind = str(error["type"])
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind.startswith(_OWN):
        code, detail = FieldErrorCode(kind.removeprefix(_OWN)), str(error["msg"])
        params = dict(context)
    else:
        code, detail, params = _described(_KINDS.get(kind, _OTHER), context)
    return FieldError(
        location=location, field=field[:_MAX_FIELD_LENGTH], code=code, detail=detail, params=params
    )


def _described(
    kind: _Kind, context: Mapping[str, Any]
) -> tuple[FieldErrorCode, str, dict[str, FieldErrorParam]]:
    params: dict[str, FieldErrorParam] = dict(kind.params or {})
    params.update({_PARAMS[name]: value for name, value in context.items() if name in _PARAMS})
    expected = context.get("expected")
    if expected is not None:
        params["choices"] = re.findall(r"'([^']*)'", expected)
    number = params.get("min", params.get("max"))
    text = kind.text.format(**params, s="" if number == 1 else "s", expected=expected)
    return kind.code, text, params


def _pointer(path: Sequence[str | int]) -> str:
    """Return a JSON Pointer (RFC 6901); it is empty for the whole body."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
