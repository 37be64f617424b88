"""Every query reads rows by an index, with custom plans and with generic plans."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from duet_common.db.keyset import FIRST
from duet_common.db.queries import Query
from duet_content.posts.repository import (
    DRAFTS_BY_AUTHOR,
    POST_BY_ID,
    PUBLISHED_POSTS,
    PUBLISHED_POSTS_BY_AUTHOR,
)
from duet_content.profiles.repository import PROFILE_BY_USER_ID
from tests.support.query_plans import assert_uses_index
from tests.support.running_duet import Duet

ID = uuid.UUID("c4ca4238a0b923820dcc509a6f75849b")  # md5('1')
FIRST_PAGE = {"at": FIRST.at, "id": FIRST.id, "limit": 21}
ROWS = """
INSERT INTO profiles (user_id, display_name)
SELECT md5(n::text)::uuid, 'Ada' FROM generate_series(0, 2000) n;
INSERT INTO posts (id, author_id, title, content, published_at)
SELECT md5(n::text)::uuid, md5((n % 20)::text)::uuid, 'Engines', '',
       CASE WHEN n % 60 < 40 THEN now() - n * interval '1 minute' END
FROM generate_series(1, 12000) n;
ANALYZE posts; ANALYZE profiles;
"""


@dataclass(frozen=True)
class Case:
    query: Query[Any]
    index: str
    parameters: dict[str, object]


CASES = {
    "published posts": Case(PUBLISHED_POSTS, "ix_posts_published", FIRST_PAGE),
    "published posts by author": Case(
        PUBLISHED_POSTS_BY_AUTHOR, "ix_posts_author_published", {**FIRST_PAGE, "author_id": ID}
    ),
    "drafts by author": Case(
        DRAFTS_BY_AUTHOR, "ix_posts_author_drafts", {**FIRST_PAGE, "author_id": ID}
    ),
    "post by id": Case(POST_BY_ID, "pk_posts", {"id": ID}),
    "profile by user id": Case(PROFILE_BY_USER_ID, "pk_profiles", {"user_id": ID}),
}


@pytest.fixture
async def connection(duet: Duet) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to content's database, with 12,000 posts of 20 authors and 2,001 profiles."""
    connection = await asyncpg.connect(duet.urls.content)
    await connection.execute(ROWS)
    yield connection
    await connection.close()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_query_uses_its_index_and_neither_scans_nor_sorts(
    connection: "asyncpg.Connection[asyncpg.Record]", case: Case
) -> None:
    await assert_uses_index(connection, case.query, case.index, **case.parameters)
