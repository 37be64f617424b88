"""What the fixtures promise to the author of a test; CONTRIBUTING shows both examples."""

import uuid
from collections.abc import Sequence

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.users.models import User
from duet_common.clock import utc_now
from duet_common.db.keyset import Cursor
from duet_common.ids import new_id
from duet_common.tokens.claims import AccessClaims
from duet_content.dependencies import post_queries
from duet_content.posts.errors import PostNotFound
from duet_content.posts.models import Post
from duet_content.posts.schemas import PostListItem, PostRead
from duet_content.posts.service import PostQueries
from duet_content.profiles.models import Profile
from tests.support.running_duet import Duet
from tests.support.users import RegisteredUser


def a_post() -> Post:
    return Post(author_id=new_id(), title="Engines", content="Words.", published_at=utc_now())


class TestDbSession:
    async def test_a_committed_row_is_visible_to_the_client(
        self, db_session: AsyncSession, client: httpx.AsyncClient
    ) -> None:
        post = a_post()
        db_session.add(post)
        await db_session.commit()

        answer = await client.get(f"/api/v1/posts/{post.id}")
        assert (answer.status_code, answer.json()["title"]) == (200, "Engines")

    async def test_a_flushed_row_is_visible_to_the_client(
        self, db_session: AsyncSession, client: httpx.AsyncClient
    ) -> None:
        post = a_post()
        db_session.add(post)
        await db_session.flush()

        assert (await client.get(f"/api/v1/posts/{post.id}")).status_code == 200

    async def test_it_can_be_used_again_after_a_commit(
        self, db_session: AsyncSession, client: httpx.AsyncClient
    ) -> None:
        for _ in range(2):
            db_session.add(a_post())
            await db_session.commit()

        assert len((await client.get("/api/v1/posts")).json()["items"]) == 2

    async def test_it_writes_to_the_databases_of_both_services(
        self,
        db_session: AsyncSession,
        authenticated_client: httpx.AsyncClient,
        registered_user: RegisteredUser,
    ) -> None:
        user = await db_session.get_one(User, registered_user.id)
        user.first_name = "Augusta"
        db_session.add(Profile(user_id=user.id, display_name="Ada"))
        await db_session.commit()

        me = (await authenticated_client.get("/api/v1/users/me")).json()
        profile = (await authenticated_client.get("/api/v1/profiles/me")).json()
        assert (me["first_name"], profile["display_name"]) == ("Augusta", "Ada")

    async def test_it_sees_what_the_client_has_written(
        self, db_session: AsyncSession, authenticated_client: httpx.AsyncClient
    ) -> None:
        assert (await db_session.scalars(select(Post.title))).all() == []
        await authenticated_client.post("/api/v1/posts", json={"title": "New", "content": "."})
        assert (await db_session.scalars(select(Post.title))).all() == ["New"]

    @pytest.mark.parametrize("run", ["first", "second"])
    async def test_no_row_is_left_for_the_next_test(
        self, db_session: AsyncSession, run: str
    ) -> None:
        assert (await db_session.scalars(select(Post.title))).all() == []
        db_session.add(Post(author_id=new_id(), title=run, content=""))
        await db_session.commit()


class NoPosts(PostQueries):
    def __init__(self) -> None:
        """Needs no database."""

    async def get(self, post_id: uuid.UUID, reader: AccessClaims | None) -> PostRead:
        raise PostNotFound(f"{post_id} is not in this replacement")

    async def published(
        self, after: Cursor, limit: int, author_id: uuid.UUID | None = None
    ) -> Sequence[PostListItem]:
        return []


@pytest.fixture
def no_posts(duet: Duet) -> None:
    duet.content.dependency_overrides[post_queries] = NoPosts


class TestDependencyOverrides:
    @pytest.mark.usefixtures("no_posts")
    async def test_a_fixture_replaces_a_dependency(
        self, db_session: AsyncSession, client: httpx.AsyncClient
    ) -> None:
        post = a_post()
        db_session.add(post)
        await db_session.commit()

        assert (await client.get("/api/v1/posts")).json()["items"] == []
        answer = await client.get(f"/api/v1/posts/{post.id}")
        assert answer.json()["detail"] == f"{post.id} is not in this replacement"

    @pytest.mark.parametrize("run", ["first", "second"])
    def test_an_override_ends_with_its_test(self, duet: Duet, run: str) -> None:
        assert duet.content.dependency_overrides == {}
        duet.content.dependency_overrides[post_queries] = NoPosts
