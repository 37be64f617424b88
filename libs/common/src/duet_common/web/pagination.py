"""Keyset pages: an opaque cursor names the last row seen, so a page costs the same at any depth."""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from duet_common.db.keyset import FIRST, Cursor

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=100, description="how many items at most")]


def cursor_parameter(
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the page before")
    ] = None,
) -> Cursor:
    """A dependency: where the page begins."""
    return FIRST if cursor is None else Cursor.decode(cursor)


class Page(BaseModel, Generic[T]):
    """One page of a list, newest first."""

    items: list[T]
    next_cursor: str | None = Field(description="pass it as `cursor`; null on the last page")


def make_page(
    rows: Sequence[T],
    limit: int,
    place: Callable[[T], Cursor],
    request: Request,
    response: Response,
) -> Page[T]:
    """A page of `limit` rows from a query that asked for one more, with its `Link` (RFC 8288)."""
    items = list(rows[:limit])
    if len(rows) <= limit:
        return Page.model_construct(items=items, next_cursor=None)
    next_cursor = place(items[-1]).encode()
    following = request.url.include_query_params(cursor=next_cursor)
    response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return Page.model_construct(items=items, next_cursor=next_cursor)
