"""Keyset pages: an opaque cursor names the last row, so each page costs the same at any depth."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from duet_common.db.keyset import FIRST, Cursor

T = TypeVar("T")

EXAMPLE_CURSOR: Final = "MDE5OGMwZGUtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAx"
"""A cursor for the examples of pages."""

Limit = Annotated[int, Query(ge=1, le=100, description="maximum number of items")]


WITH_LINK: Final[dict[str, object]] = {
    "headers": {
        "Link": {
            "description": 'the next page, with `rel="next"` (RFC 8288); absent on the last page',
            "schema": {"type": "string"},
        }
    }
}
"""FastAPI's `responses` entry for the successful response of a list."""


async def cursor_parameter(
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the previous page")
    ] = None,
) -> Cursor:
    """Dependency that returns the position after which the page starts."""
    return FIRST if cursor is None else Cursor.decode(cursor)


class Page(BaseModel, Generic[T]):
    """One page of a list, newest first."""

    items: list[T]
    next_cursor: str | None = Field(
        description="the `cursor` of the next page; null on the last page"
    )


def make_page(
    kind: type[Page[T]],
    rows: Sequence[T],
    limit: int,
    cursor_of: Callable[[T], Cursor],
    request: Request,
    response: Response,
) -> Page[T]:
    """Return a page of `limit` rows, and add its `Link` header (RFC 8288) to the response.

    `rows` come from a query with a limit that is one higher. `kind` is the response model of the
    endpoint; with another type, FastAPI would validate every item again.
    """
    items = list(rows[:limit])
    if len(rows) <= limit:
        return kind.model_construct(items=items, next_cursor=None)
    next_cursor = cursor_of(items[-1]).encode()
    query = [
        (name, value) for name, value in request.query_params.multi_items() if name != "cursor"
    ]
    following = urlencode([*query, ("cursor", next_cursor)])
    response.headers["Link"] = f'<{request.scope["path"]}?{following}>; rel="next"'
    return kind.model_construct(items=items, next_cursor=next_cursor)
