"""What bodies share: unknown fields are refused, and text is what PostgreSQL can hold."""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict


class RequestModel(BaseModel):
    """A body from a client."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ResponseModel(BaseModel):
    """A body for a client; made from an ORM object or a row."""

    model_config = ConfigDict(from_attributes=True)


def _without_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not contain NUL")
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


PlainText = Annotated[str, AfterValidator(_without_nul)]
"""Text without NUL, which `text` in PostgreSQL cannot hold."""

NonBlank = Annotated[str, AfterValidator(_without_nul), AfterValidator(_not_blank)]

UtcTime = AwareDatetime
"""RFC 3339 in UTC, with `Z`: every column is `timestamptz` and every connection is in UTC."""
