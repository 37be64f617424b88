"""A page costs the same at any depth of a million posts."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import asyncpg
import httpx
import pytest

from duet_common.clock import utc_now
from duet_common.db.keyset import FIRST, Cursor
from duet_common.ids import new_id
from duet_content.posts.repository import PUBLISHED_POSTS
from tests.support.running_duet import Duet

MILLION = 1_000_000
LIMIT = 20
ROWS = f"""
INSERT INTO posts (id, author_id, title, content, published_at)
SELECT md5(n::text)::uuid, $1, n::text, '', $2::timestamptz - n * interval '1 second'
FROM generate_series(1, {MILLION}) n
"""  # noqa: S608 - a constant

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def newest() -> datetime:
    return utc_now()


@pytest.fixture
async def million(
    duet: Duet, newest: datetime
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to content's database; post `n` was published `n` seconds before `newest`."""
    connection = await asyncpg.connect(duet.urls.content)
    await connection.execute(ROWS, new_id(), newest)
    await connection.execute("VACUUM (ANALYZE) posts")
    yield connection
    await connection.close()


async def test_a_page_costs_the_same_at_any_depth(
    million: "asyncpg.Connection[asyncpg.Record]", client: httpx.AsyncClient, newest: datetime
) -> None:
    for depth in (0, MILLION // 2, MILLION - LIMIT):
        after = FIRST
        if depth:
            id_ = await million.fetchval("SELECT md5($1)::uuid", str(depth))
            after = Cursor(newest - timedelta(seconds=depth), id_)
        page = await client.get("/api/v1/posts", params={"limit": LIMIT, "cursor": after.encode()})
        expected = [str(number) for number in range(depth + 1, depth + 1 + LIMIT)]
        assert [post["title"] for post in page.json()["items"]] == expected
        assert await pages_read(million, after) < 10 * LIMIT


async def pages_read(connection: "asyncpg.Connection[asyncpg.Record]", after: Cursor) -> int:
    """The number of pages of tables and indexes that PostgreSQL reads for one page of posts."""
    arguments = PUBLISHED_POSTS._arguments({"at": after.at, "id": after.id, "limit": LIMIT + 1})
    plan = await connection.fetchval(
        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {PUBLISHED_POSTS.sql}", *arguments
    )
    root = json.loads(plan)[0]["Plan"]
    return int(root["Shared Hit Blocks"]) + int(root["Shared Read Blocks"])
