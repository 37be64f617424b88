"""Making a page of the rows of a query that asked for one more."""

import uuid
from datetime import UTC, datetime

import pytest
from fastapi import Request, Response

from duet_common.db.keyset import FIRST, Cursor
from duet_common.errors import InvalidCursor
from duet_common.web.pagination import Page, cursor_parameter, make_page

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def place(number: int) -> Cursor:
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


def test_one_row_more_means_another_page() -> None:
    response = Response()

    page = make_page(Page[int], [3, 2, 1], 2, place, request("limit=2"), response)

    assert page.items == [3, 2]
    assert page.next_cursor == place(2).encode()
    assert response.headers["link"] == f'</things?limit=2&cursor={place(2).encode()}>; rel="next"'


@pytest.mark.parametrize("rows", [[], [1], [2, 1]])
def test_no_row_more_means_the_last_page(rows: list[int]) -> None:
    response = Response()

    page = make_page(Page[int], rows, 2, place, request(), response)

    assert page.items == rows
    assert page.next_cursor is None
    assert "link" not in response.headers


def test_the_link_keeps_the_query_and_replaces_the_cursor() -> None:
    response = Response()

    make_page(Page[int], [2, 1], 1, place, request("q=a%26b&cursor=old&author=me"), response)

    assert response.headers["link"] == (
        f'</things?q=a%26b&author=me&cursor={place(2).encode()}>; rel="next"'
    )


def test_the_link_names_no_host_that_a_caller_could_forge() -> None:
    response = Response()

    make_page(Page[int], [2, 1], 1, place, request(), response)

    assert "example" not in response.headers["link"]


async def test_no_cursor_is_the_beginning() -> None:
    assert await cursor_parameter(None) is FIRST


async def test_a_cursor_is_where_it_says() -> None:
    assert await cursor_parameter(place(1).encode()) == place(1)


async def test_an_empty_cursor_is_not_ours() -> None:
    with pytest.raises(InvalidCursor):
        await cursor_parameter("")
