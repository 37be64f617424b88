"""Posts as the API shows and takes them."""

import uuid
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from duet_common.web.schemas import NonBlank, PlainText, RequestModel, ResponseModel, UtcTime

Title = Annotated[NonBlank, Field(min_length=1, max_length=200)]
Content = Annotated[PlainText, Field(max_length=100_000)]


class PostStatus(StrEnum):
    PUBLISHED = "published"
    DRAFT = "draft"


class PostCreate(RequestModel):
    """A new post; it starts as a draft."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "Notes on the engine", "content": "It weaves algebra."}]
        }
    )

    title: Title
    content: Content = ""


class PostPatch(RequestModel):
    """The fields to change; one that is absent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Notes, revised"}]})

    # Not nullable, so the defaults only mark absence; they are never read.
    title: Title = "-"
    content: Content = ""


class Author(ResponseModel):
    """Who wrote it; `name` and `avatar_url` come from the profile and may be null."""

    id: uuid.UUID
    name: str | None
    avatar_url: str | None


class PostRead(ResponseModel):
    """A post."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
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
            ]
        }
    )

    id: uuid.UUID
    title: str
    content: str
    is_published: bool
    published_at: UtcTime | None
    author: Author
    created_at: UtcTime
    updated_at: UtcTime
    version: int = Field(exclude=True, description="its ETag; not part of the body")
