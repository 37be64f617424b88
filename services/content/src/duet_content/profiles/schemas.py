"""Request and response bodies of profiles."""

import uuid
from typing import Annotated

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    HttpUrl,
    TypeAdapter,
    UrlConstraints,
    ValidationError,
)
from pydantic.config import JsonDict

from duet_common.errors import FieldErrorCode
from duet_common.web.etag import etag_of
from duet_common.web.field_errors import rejected
from duet_common.web.schemas import NonBlank, PlainText, RequestModel, ResponseModel, UtcTime

_HTTPS = TypeAdapter(Annotated[HttpUrl, UrlConstraints(max_length=2048, allowed_schemes=["https"])])


def _https_url(value: str) -> str:
    try:
        return str(_HTTPS.validate_python(value))
    except ValidationError:
        raise rejected(
            FieldErrorCode.INVALID_FORMAT, "must be an https URL", format="uri"
        ) from None


DisplayName = Annotated[NonBlank, Field(min_length=1, max_length=100)]
Bio = Annotated[PlainText, Field(max_length=2000)]
AvatarUrl = Annotated[
    PlainText,
    AfterValidator(_https_url),
    # The limit applies to the stored URL: percent-encoding can triple its length.
    Field(max_length=2048, json_schema_extra={"format": "uri", "pattern": "^https://"}),
]
_EXAMPLE: JsonDict = {
    "display_name": "Ada Lovelace",
    "bio": "Analyst of engines",
    "avatar_url": "https://example.com/ada.png",
}


class ProfilePut(RequestModel):
    """A whole profile. An absent field becomes null."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    display_name: DisplayName | None = None
    bio: Bio | None = None
    avatar_url: AvatarUrl | None = None


class ProfilePatch(ProfilePut):
    """The fields to change. An absent field is not changed; null clears it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"bio": "Poet of engines"}]})


class ProfileRead(ResponseModel):
    """A profile."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "0198c0de-0000-7000-8000-000000000000",
                    **_EXAMPLE,
                    "created_at": "2026-01-01T12:00:00.000000Z",
                    "updated_at": "2026-01-01T12:00:00.000000Z",
                }
            ]
        }
    )

    user_id: uuid.UUID
    display_name: str | None
    bio: str | None
    avatar_url: str | None
    created_at: UtcTime
    updated_at: UtcTime

    @property
    def etag(self) -> str:
        """The entity tag of the whole body."""
        return etag_of(self)
