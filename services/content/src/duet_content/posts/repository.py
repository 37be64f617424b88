"""Database access to posts: the repository writes them, and compiled statements read them."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, bindparam, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from duet_common.db.queries import Query
from duet_common.db.repository import Repository
from duet_content.posts.models import Post
from duet_content.posts.schemas import EXCERPT_LENGTH, PostListItem, PostRead
from duet_content.profiles.service import PUBLIC_NAMES


class PostRepository(Repository[Post]):
    model = Post


def _shape(row: dict[str, object]) -> dict[str, object]:
    row["is_published"] = row["published_at"] is not None
    row["author"] = {
        "id": row.pop("author_id"),
        "name": row.pop("name"),
        "avatar_url": row.pop("avatar_url"),
    }
    return row


_POSTS: Final = select(
    Post.id,
    Post.title,
    Post.published_at,
    Post.created_at,
    Post.updated_at,
    Post.author_id,
    PUBLIC_NAMES.c.name,
    PUBLIC_NAMES.c.avatar_url,
).outerjoin(PUBLIC_NAMES, PUBLIC_NAMES.c.user_id == Post.author_id)
_SINGLE_POST: Final = _POSTS.add_columns(Post.content, Post.version)
# PostgreSQL cuts the text, because a page of 100 whole contents can be 40 MB.
_LIST_ITEMS: Final = _POSTS.add_columns(func.left(Post.content, EXCERPT_LENGTH).label("excerpt"))


def _page(
    ordered_by: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    *filters: ColumnElement[bool],
) -> Select[*tuple[object, ...]]:
    """Select `limit` posts after the cursor (`at`, `id`), newest first by a column and the id."""
    cursor = tuple_(bindparam("at", type_=ordered_by.type), bindparam("id", type_=Post.id.type))
    return (
        _LIST_ITEMS.where(*filters, tuple_(ordered_by, Post.id) < cursor)
        .order_by(ordered_by.desc(), Post.id.desc())
        .limit(bindparam("limit"))
    )


_BY_AUTHOR = Post.author_id == bindparam("author_id")

POST_BY_ID: Final = Query(_SINGLE_POST.where(Post.id == bindparam("id")), PostRead, _shape)
PUBLISHED_POSTS: Final = Query(
    _page(Post.published_at, Post.published_at.is_not(None)), PostListItem, _shape
)
PUBLISHED_POSTS_BY_AUTHOR: Final = Query(
    _page(Post.published_at, Post.published_at.is_not(None), _BY_AUTHOR), PostListItem, _shape
)
DRAFTS_BY_AUTHOR: Final = Query(
    _page(Post.created_at, Post.published_at.is_(None), _BY_AUTHOR), PostListItem, _shape
)
