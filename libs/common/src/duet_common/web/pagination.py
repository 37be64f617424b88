"""Keyset pages: an opaque cursor names the last row seen, so a page costs the same at any depth."""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from duet_common.db.keyset import FIRST, Cursor

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=100, description="how many items at most")]


async def cursor_parameter(
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
    kind: type[Page[T]],
    rows: Sequence[T],
    limit: int,
    place: Callable[[T], Cursor],
    request: Request,
    response: Response,
) -> Page[T]:
    """A page of `limit` rows from a query that asked for one more, with its `Link` (RFC 8288).

    `kind` is the endpoint's own `Page[...]`: FastAPI would validate every item of another again.
    """
    items = list(rows[:limit])
    if len(rows) <= limit:
        return kind.model_construct(items=items, next_cursor=None)
    next_cursor = place(items[-1]).encode()
    query = [
        (name, value) for name, value in request.query_params.multi_items() if name != "cursor"
    ]
    following = urlencode([*query, ("cursor", next_cursor)])
    response.headers["Link"] = f'<{request.scope["path"]}?{following}>; rel="next"'
    return kind.model_construct(items=items, next_cursor=next_cursor)
