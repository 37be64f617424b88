"""Request and response bodies of tokens and sessions."""

import uuid
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, SecretStr
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema

from duet_common.web.pagination import EXAMPLE_CURSOR, Page
from duet_common.web.schemas import RequestModel, ResponseModel, UtcTime


class LoginForm(RequestModel):
    """The OAuth2 password form (RFC 6749, section 4.3.2). Unknown parameters are ignored."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [{"username": "ada@example.com", "password": "a long and secret phrase"}]
        },
    )

    username: Annotated[str, Field(description="the email address")]
    password: SecretStr
    grant_type: Literal["password"] | SkipJsonSchema[None] = None


class RefreshRequest(RequestModel):
    """A refresh token. It is sent in the body, because URLs are logged."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"refresh_token": "kJ3m0a2mVbV0uH0S9sVdT3lqk9n1zq8wq0m1b5t7c2E"}]
        }
    )

    refresh_token: Annotated[str, Field(min_length=1, max_length=512)]


class TokenPair(ResponseModel):
    """An access token and a refresh token, with their lifetimes in seconds."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "access_token": "eyJhbGciOiJFUzI1NiIsImtpZCI6Ii4uLiJ9.eyJpc3MiOiIuLi4ifQ.c2ln",
                    "refresh_token": "kJ3m0a2mVbV0uH0S9sVdT3lqk9n1zq8wq0m1b5t7c2E",
                    "token_type": "bearer",
                    "expires_in": 600,
                    "refresh_expires_in": 1209600,
                }
            ]
        }
    )

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"]
    expires_in: int
    refresh_expires_in: int


_SESSION: JsonDict = {
    "id": "0198c0de-0000-7000-8000-000000000000",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
    "address": "203.0.113.7",
    "created_at": "2026-01-01T12:00:00.000000Z",
    "last_used_at": "2026-01-02T12:00:00.000000Z",
    "expires_at": "2026-01-16T12:00:00.000000Z",
    "current": True,
}


class SessionRead(ResponseModel):
    """A session of the user that has not ended."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SESSION]})

    id: uuid.UUID
    user_agent: str | None
    address: str | None
    created_at: UtcTime
    last_used_at: UtcTime
    expires_at: UtcTime
    current: bool = Field(description="whether the request belongs to this session")


class SessionPage(Page[SessionRead]):
    """One page of sessions, newest first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [_SESSION], "next_cursor": EXAMPLE_CURSOR}]}
    )
