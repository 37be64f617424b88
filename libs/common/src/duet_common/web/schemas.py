"""Bases and field types of bodies: no unknown fields, and only text that PostgreSQL can store."""

from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
)

from duet_common.errors import FieldErrorCode
from duet_common.web.field_errors import rejected


class RequestModel(BaseModel):
    """Base of request bodies. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ResponseModel(BaseModel):
    """Base of response bodies, made from ORM objects or rows."""

    model_config = ConfigDict(from_attributes=True)


def _storable(value: str) -> str:
    if "\0" in value:
        raise rejected(FieldErrorCode.INVALID_TEXT, "must not contain the character U+0000")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        # JSON can express half of a surrogate pair ("\ud800"), and UTF-8 cannot.
        raise rejected(FieldErrorCode.INVALID_TEXT, "must be valid Unicode text") from None
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise rejected(FieldErrorCode.BLANK, "must not be blank")
    return value


PlainText = Annotated[str, AfterValidator(_storable)]
"""Text without NUL and lone surrogates, which PostgreSQL's `text` cannot store."""

NonBlank = Annotated[str, AfterValidator(_storable), AfterValidator(_not_blank)]

UtcTime = AwareDatetime
"""RFC 3339 in UTC with `Z`: columns are `timestamptz`, and connections use UTC."""
