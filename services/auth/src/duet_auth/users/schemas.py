"""Request and response bodies of users."""

import uuid
from typing import Annotated

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    SecretStr,
    WithJsonSchema,
    computed_field,
)
from pydantic.config import JsonDict

from duet_auth.passwords.policy import NewPassword
from duet_auth.users.emails import MAX_EMAIL_LENGTH, normalize_email
from duet_common.web.pagination import EXAMPLE_CURSOR, Page
from duet_common.web.schemas import PlainText, RequestModel, ResponseModel, UtcTime

Email = Annotated[
    str,
    AfterValidator(normalize_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": MAX_EMAIL_LENGTH}),
]
Name = Annotated[PlainText, Field(min_length=1, max_length=100)]


class UserCreate(RequestModel):
    """A new user."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "email": "ada@example.com",
                    "password": "a long and secret phrase",
                    "first_name": "Ada",
                    "last_name": "Lovelace",
                }
            ]
        }
    )

    email: Email
    password: NewPassword
    first_name: Name | None = None
    last_name: Name | None = None


class UserPatch(RequestModel):
    """The fields to change. An absent field is not changed; null clears it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"first_name": "Augusta Ada"}]})

    first_name: Name | None = None
    last_name: Name | None = None


class PasswordChange(RequestModel):
    """The new password and the current one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "current_password": "a long and secret phrase",
                    "new_password": "another long and secret phrase",
                }
            ]
        }
    )

    current_password: Annotated[SecretStr, Field(max_length=1024)]
    new_password: NewPassword


_USER: JsonDict = {
    "id": "0198c0de-0000-7000-8000-000000000000",
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "full_name": "Ada Lovelace",
    "is_active": True,
    "is_superuser": False,
    "email_verified": False,
    "permissions": [],
    "created_at": "2026-01-01T12:00:00.000000Z",
    "updated_at": "2026-01-01T12:00:00.000000Z",
}


class UserRead(ResponseModel):
    """A user."""

    model_config = ConfigDict(json_schema_extra={"examples": [_USER]})

    id: uuid.UUID
    email: Annotated[str, Field(json_schema_extra={"format": "email"})]
    first_name: str | None
    last_name: str | None
    is_active: bool
    is_superuser: bool
    email_verified: bool
    permissions: list[str]
    created_at: UtcTime
    updated_at: UtcTime

    @computed_field(description="first and last name, or the one that is set, or null")  # type: ignore[prop-decorator]  # pydantic's documented form
    @property
    def full_name(self) -> str | None:
        return " ".join(name for name in (self.first_name, self.last_name) if name) or None


class UserPage(Page[UserRead]):
    """One page of users, newest first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [_USER], "next_cursor": EXAMPLE_CURSOR}]}
    )
