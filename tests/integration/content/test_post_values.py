"""An invalid value of a post gets 422 with the name of the field, and nothing is stored."""

from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_content.posts.models import Post
from tests.support.posts import POSTS, create_draft
from tests.support.problems import assert_problem, rejected_body_fields

INVALID: dict[str, tuple[str, Any]] = {
    "title blank": ("title", " \n\u3000"),
    "title empty": ("title", ""),
    "title null": ("title", None),
    "title too long": ("title", "a" * 201),
    "title with NUL": ("title", "a\0b"),
    "title a number": ("title", 7),
    "content null": ("content", None),
    "content too long": ("content", "a" * 100_001),
    "content with NUL": ("content", "\0"),
    "content a list": ("content", ["a"]),
    "is_published": ("is_published", True),
    "published_at": ("published_at", "2026-01-01T00:00:00Z"),
    "author_id": ("author_id", "0198c0de-0000-7000-8000-000000000000"),
    "id": ("id", "0198c0de-0000-7000-8000-000000000000"),
    "version": ("version", 9),
}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(("name", "value"), INVALID.values(), ids=INVALID.keys())
async def test_a_new_post_with_an_invalid_value_is_refused(
    authenticated_client: httpx.AsyncClient, db_session: AsyncSession, name: str, value: object
) -> None:
    response = await authenticated_client.post(POSTS, json={"title": "Engines", name: value})
    assert rejected_body_fields(response) == [f"/{name}"]
    assert await db_session.scalar(select(func.count()).select_from(Post)) == 0


@pytest.mark.parametrize(("name", "value"), INVALID.values(), ids=INVALID.keys())
async def test_a_change_with_an_invalid_value_is_refused(
    authenticated_client: httpx.AsyncClient, name: str, value: object
) -> None:
    draft = await create_draft(authenticated_client)
    url = f"{POSTS}/{draft['id']}"
    response = await authenticated_client.patch(url, json={name: value})
    assert rejected_body_fields(response) == [f"/{name}"]
    assert (await authenticated_client.get(url)).json() == draft


@pytest.mark.parametrize("name", ["title", "content"])
async def test_a_new_post_with_a_lone_surrogate_is_refused(
    authenticated_client: httpx.AsyncClient, db_session: AsyncSession, name: str
) -> None:
    members = {"title": '"Engines"', name: '"\\ud800"'}
    body = "{" + ",".join(f'"{key}":{value}' for key, value in members.items()) + "}"
    response = await authenticated_client.post(POSTS, content=body, headers=JSON)
    assert rejected_body_fields(response) == [f"/{name}"]
    assert await db_session.scalar(select(func.count()).select_from(Post)) == 0


async def test_a_new_post_needs_a_title(authenticated_client: httpx.AsyncClient) -> None:
    response = await authenticated_client.post(POSTS, json={"content": "Weave."})
    assert rejected_body_fields(response) == ["/title"]


async def test_a_body_that_is_not_json_is_malformed(
    authenticated_client: httpx.AsyncClient,
) -> None:
    response = await authenticated_client.post(POSTS, content=b'{"title":', headers=JSON)
    assert_problem(response, 400, "malformed_body")


async def test_the_error_names_every_invalid_field(authenticated_client: httpx.AsyncClient) -> None:
    response = await authenticated_client.post(POSTS, json={"title": "", "content": 1, "x": 2})
    assert rejected_body_fields(response) == ["/title", "/content", "/x"]


async def test_at_most_twenty_invalid_fields_are_listed(
    authenticated_client: httpx.AsyncClient,
) -> None:
    unknown = {f"x{number}": 1 for number in range(5000)}
    response = await authenticated_client.post(POSTS, json={"title": "Engines", **unknown})
    assert rejected_body_fields(response) == [f"/x{number}" for number in range(20)]


@pytest.mark.parametrize(
    "values",
    [
        {"title": "a" * 200},
        {"title": "\U0001f469\u200d\U0001f52c", "content": "\u202e"},
        {"title": "a", "content": "b" * 100_000},
        {"title": "' OR 1=1 --", "content": "<script>alert(1)</script>"},
        {"title": "a", "content": "one\r\ntwo\t\u0001"},
    ],
    ids=["longest title", "emoji", "longest content", "SQL and HTML", "control characters"],
)
async def test_a_new_post_stores_text_unchanged(
    authenticated_client: httpx.AsyncClient, values: dict[str, str]
) -> None:
    created = await authenticated_client.post(POSTS, json=values)
    read = await authenticated_client.get(created.headers["location"])
    assert read.json().items() >= values.items()
