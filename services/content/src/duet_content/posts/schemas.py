"""Request and response bodies of posts."""

import uuid
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from duet_common.web.pagination import EXAMPLE_CURSOR, Page
from duet_common.web.schemas import NonBlank, PlainText, RequestModel, ResponseModel, UtcTime

Title = Annotated[NonBlank, Field(min_length=1, max_length=200)]
Content = Annotated[PlainText, Field(max_length=100_000)]


class PostStatus(StrEnum):
    PUBLISHED = "published"
    DRAFT = "draft"


class PostCreate(RequestModel):
    """A new post, which is a draft."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "Notes on the engine", "content": "It weaves algebra."}]
        }
    )

    title: Title
    content: Content = ""


class PostPatch(RequestModel):
    """The fields to change. An absent field is not changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Notes, revised"}]})

    # The fields are not nullable, so these defaults only mark them as optional.
    title: Title = "-"
    content: Content = ""


class Author(ResponseModel):
    """The author of a post. `name` and `avatar_url` come from the profile and may be null."""

    id: uuid.UUID
    name: str | None
    avatar_url: str | None


_POST: JsonDict = {
    "id": "0198c0de-0000-7000-8000-000000000001",
    "title": "Notes on the engine",
    "content": "It weaves algebra.",
    "is_published": True,
    "published_at": "2026-01-01T12:00:00.000000Z",
    "author": {
        "id": "0198c0de-0000-7000-8000-000000000000",
        "name": "Ada Lovelace",
        "avatar_url": "https://example.com/ada.png",
    },
    "created_at": "2026-01-01T12:00:00.000000Z",
    "updated_at": "2026-01-01T12:00:00.000000Z",
}


class PostRead(ResponseModel):
    """A post."""

    model_config = ConfigDict(json_schema_extra={"examples": [_POST]})

    id: uuid.UUID
    title: str
    content: str
    is_published: bool
    published_at: UtcTime | None
    author: Author
    created_at: UtcTime
    updated_at: UtcTime
    version: int = Field(exclude=True, description="the version in the ETag; not part of the body")


class PostPage(Page[PostRead]):
    """One page of posts, newest first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [_POST], "next_cursor": EXAMPLE_CURSOR}]}
    )
