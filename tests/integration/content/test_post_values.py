"""What a post takes: what it refuses is a 422 that names the field, and nothing is stored."""

from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_content.posts.models import Post
from tests.support.posts import POSTS, write_draft
from tests.support.problems import assert_problem

REFUSED: dict[str, tuple[str, Any]] = {
    "blank": ("title", " \n\u3000"),
    "empty": ("title", ""),
    "null": ("title", None),
    "too long": ("title", "a" * 201),
    "NUL in the title": ("title", "a\0b"),
    "a number": ("title", 7),
    "content null": ("content", None),
    "content too long": ("content", "a" * 100_001),
    "NUL in the content": ("content", "\0"),
    "content a list": ("content", ["a"]),
    "publishing by the body": ("is_published", True),
    "publishing by an instant": ("published_at", "2026-01-01T00:00:00Z"),
    "another author": ("author_id", "0198c0de-0000-7000-8000-000000000000"),
    "an id of one's own": ("id", "0198c0de-0000-7000-8000-000000000000"),
    "a version": ("version", 9),
}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(("name", "value"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_new_post_refuses(
    authenticated_client: httpx.AsyncClient, db_session: AsyncSession, name: str, value: object
) -> None:
    answer = await authenticated_client.post(POSTS, json={"title": "Engines", name: value})
    assert _fields(assert_problem(answer, 422, "validation_failed")) == [f"body.{name}"]
    assert await db_session.scalar(select(func.count()).select_from(Post)) == 0


@pytest.mark.parametrize(("name", "value"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_change_refuses(
    authenticated_client: httpx.AsyncClient, name: str, value: object
) -> None:
    draft = await write_draft(authenticated_client)
    url = f"{POSTS}/{draft['id']}"
    answer = await authenticated_client.patch(url, json={name: value})
    assert _fields(assert_problem(answer, 422, "validation_failed")) == [f"body.{name}"]
    assert (await authenticated_client.get(url)).json() == draft


@pytest.mark.parametrize("name", ["title", "content"])
async def test_a_new_post_refuses_half_a_surrogate_pair(
    authenticated_client: httpx.AsyncClient, db_session: AsyncSession, name: str
) -> None:
    members = {"title": '"Engines"', name: '"\\ud800"'}
    body = "{" + ",".join(f'"{key}":{value}' for key, value in members.items()) + "}"
    answer = await authenticated_client.post(POSTS, content=body, headers=JSON)
    assert _fields(assert_problem(answer, 422, "validation_failed")) == [f"body.{name}"]
    assert await db_session.scalar(select(func.count()).select_from(Post)) == 0


async def test_a_new_post_needs_a_title(authenticated_client: httpx.AsyncClient) -> None:
    answer = await authenticated_client.post(POSTS, json={"content": "Weave."})
    assert _fields(assert_problem(answer, 422, "validation_failed")) == ["body.title"]


async def test_a_body_that_is_no_json_is_malformed(
    authenticated_client: httpx.AsyncClient,
) -> None:
    answer = await authenticated_client.post(POSTS, content=b'{"title":', headers=JSON)
    assert_problem(answer, 400, "malformed_body")


async def test_every_rejected_field_is_named(authenticated_client: httpx.AsyncClient) -> None:
    answer = await authenticated_client.post(POSTS, json={"title": "", "content": 1, "x": 2})
    problem = assert_problem(answer, 422, "validation_failed")
    assert _fields(problem) == ["body.title", "body.content", "body.x"]


async def test_thousands_of_rejected_fields_are_counted_and_twenty_named(
    authenticated_client: httpx.AsyncClient,
) -> None:
    unknown = {f"x{number}": 1 for number in range(5000)}
    answer = await authenticated_client.post(POSTS, json={"title": "Engines", **unknown})
    problem = assert_problem(answer, 422, "validation_failed")
    assert problem["detail"] == "5000 invalid field(s)"
    assert _fields(problem) == [f"body.x{number}" for number in range(20)]


@pytest.mark.parametrize(
    "values",
    [
        {"title": "a" * 200},
        {"title": "\U0001f469\u200d\U0001f52c", "content": "\u202e"},
        {"title": "a", "content": "b" * 100_000},
        {"title": "' OR 1=1 --", "content": "<script>alert(1)</script>"},
        {"title": "a", "content": "one\r\ntwo\t\u0001"},
    ],
    ids=["longest title", "emoji", "longest content", "what looks like code", "control characters"],
)
async def test_a_new_post_keeps_text_as_it_is(
    authenticated_client: httpx.AsyncClient, values: dict[str, str]
) -> None:
    created = await authenticated_client.post(POSTS, json=values)
    read = await authenticated_client.get(created.headers["location"])
    assert read.json().items() >= values.items()


def _fields(problem: dict[str, object]) -> list[str]:
    errors = problem["errors"]
    assert isinstance(errors, list)
    return [error["field"] for error in errors]
