"""Request and response bodies of posts."""

import uuid
from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from duet_common.web.etag import etag_of
from duet_common.web.pagination import EXAMPLE_CURSOR, Page
from duet_common.web.schemas import NonBlank, PlainText, RequestModel, ResponseModel, UtcTime

Title = Annotated[NonBlank, Field(min_length=1, max_length=200)]
Content = Annotated[PlainText, Field(max_length=100_000)]
EXCERPT_LENGTH: Final = 500


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
_LIST_ITEM: JsonDict = {**_POST, "excerpt": "It weaves algebra."}


class _PostFields(ResponseModel):
    """What a single post and an item of a list have in common."""

    id: uuid.UUID
    title: str
    is_published: bool
    published_at: UtcTime | None
    author: Author
    created_at: UtcTime
    updated_at: UtcTime


class PostListItem(_PostFields):
    """A post in a list, with the beginning of its content."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LIST_ITEM]})

    excerpt: str = Field(
        max_length=EXCERPT_LENGTH,
        description=f"the first {EXCERPT_LENGTH} characters (Unicode code points) of the content",
    )


class PostRead(_PostFields):
    """A post."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_POST, "content": "It weaves algebra."}]}
    )

    content: str
    version: int = Field(exclude=True, description="the version in the ETag; not part of the body")

    @property
    def etag(self) -> str:
        """The entity tag. The version covers the post, and the hash covers the author's profile."""
        return etag_of(self.author, f"{self.version}-")


class PostPage(Page[PostListItem]):
    """One page of posts, newest first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [_LIST_ITEM], "next_cursor": EXAMPLE_CURSOR}]}
    )
