"""What bodies share: unknown fields are refused, and text is what PostgreSQL can hold."""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict


class RequestModel(BaseModel):
    """A body from a client."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ResponseModel(BaseModel):
    """A body for a client; made from an ORM object or a row."""

    model_config = ConfigDict(from_attributes=True)


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not contain NUL")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        # JSON can spell half of a surrogate pair ("\ud800"); no UTF-8 can.
        raise ValueError("must not contain a lone surrogate") from None
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


PlainText = Annotated[str, AfterValidator(_storable)]
"""Text without NUL and lone surrogates, which `text` in PostgreSQL cannot hold."""

NonBlank = Annotated[str, AfterValidator(_storable), AfterValidator(_not_blank)]

UtcTime = AwareDatetime
"""RFC 3339 in UTC, with `Z`: every column is `timestamptz` and every connection is in UTC."""
