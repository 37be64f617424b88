"""A page is made from the rows of a query for one row more than the limit."""

import uuid
from datetime import UTC, datetime

import pytest
from fastapi import Request, Response

from duet_common.db.keyset import FIRST, Cursor
from duet_common.errors import InvalidCursor
from duet_common.web.pagination import Page, cursor_parameter, make_page

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cursor_of(number: int) -> Cursor:
    return Cursor(EPOCH, uuid.UUID(int=number))


def request(query: str = "") -> Request:
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/things",
            "query_string": query.encode(),
            "headers": [(b"host", b"evil.example")],
            "server": ("10.0.0.1", 80),
            "scheme": "http",
        }
    )


def test_an_extra_row_means_that_there_is_a_next_page() -> None:
    response = Response()

    page = make_page(Page[int], [3, 2, 1], 2, cursor_of, request("limit=2"), response)

    assert page.items == [3, 2]
    assert page.next_cursor == cursor_of(2).encode()
    assert (
        response.headers["link"] == f'</things?limit=2&cursor={cursor_of(2).encode()}>; rel="next"'
    )


@pytest.mark.parametrize("rows", [[], [1], [2, 1]])
def test_a_page_without_an_extra_row_is_the_last(rows: list[int]) -> None:
    response = Response()

    page = make_page(Page[int], rows, 2, cursor_of, request(), response)

    assert page.items == rows
    assert page.next_cursor is None
    assert "link" not in response.headers


def test_the_link_keeps_the_query_and_replaces_the_cursor() -> None:
    response = Response()

    make_page(Page[int], [2, 1], 1, cursor_of, request("q=a%26b&cursor=old&author=me"), response)

    assert response.headers["link"] == (
        f'</things?q=a%26b&author=me&cursor={cursor_of(2).encode()}>; rel="next"'
    )


def test_the_link_does_not_contain_the_host_header() -> None:
    response = Response()

    make_page(Page[int], [2, 1], 1, cursor_of, request(), response)

    assert "example" not in response.headers["link"]


async def test_a_missing_cursor_means_the_first_page() -> None:
    assert await cursor_parameter(None) is FIRST


async def test_a_cursor_is_decoded() -> None:
    assert await cursor_parameter(cursor_of(1).encode()) == cursor_of(1)


async def test_an_empty_cursor_is_refused() -> None:
    with pytest.raises(InvalidCursor):
        await cursor_parameter("")
