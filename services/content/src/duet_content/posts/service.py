"""The rules for posts. The service never commits: the request's transaction does."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.clock import Clock
from duet_common.db.keyset import Cursor
from duet_common.db.queries import ReadOnlyPool
from duet_common.tokens.claims import AccessClaims
from duet_common.web.etag import check_if_match
from duet_content.posts.errors import NotTheAuthor, PostNotFound
from duet_content.posts.models import Post
from duet_content.posts.repository import (
    DRAFTS_BY_AUTHOR,
    POST_BY_ID,
    PUBLISHED_POSTS,
    PUBLISHED_POSTS_BY_AUTHOR,
    PostRepository,
)
from duet_content.posts.schemas import PostCreate, PostListItem, PostRead

MODERATE: Final = "posts:moderate"


class PostQueries:
    """Reads posts, through the pool of read-only connections."""

    def __init__(self, pool: ReadOnlyPool) -> None:
        self._pool = pool

    async def get(self, post_id: uuid.UUID, reader: AccessClaims | None) -> PostRead:
        """Raises `PostNotFound`, also for a draft of another user, so that it stays private."""
        post = await POST_BY_ID.one(self._pool, id=post_id)
        if post is None or not (
            post.is_published or (reader is not None and reader.user_id == post.author.id)
        ):
            raise PostNotFound
        return post

    async def published(
        self, after: Cursor, limit: int, author_id: uuid.UUID | None = None
    ) -> Sequence[PostListItem]:
        """Return published posts, the most recently published first."""
        if author_id is None:
            return await PUBLISHED_POSTS.all(self._pool, at=after.at, id=after.id, limit=limit)
        return await PUBLISHED_POSTS_BY_AUTHOR.all(
            self._pool, at=after.at, id=after.id, limit=limit, author_id=author_id
        )

    async def drafts(
        self, after: Cursor, limit: int, author_id: uuid.UUID
    ) -> Sequence[PostListItem]:
        """Return an author's drafts, newest first. The caller must be that author."""
        return await DRAFTS_BY_AUTHOR.all(
            self._pool, at=after.at, id=after.id, limit=limit, author_id=author_id
        )


class PostService:
    """Writes posts. Methods take the caller, and the `If-Match` header where it applies."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._posts = PostRepository(session)
        self._clock = clock

    async def create(self, new: PostCreate, author: AccessClaims) -> PostRead:
        """Create a draft."""
        post = Post(author_id=author.user_id, title=new.title, content=new.content)
        return await self._read(await self._posts.create(post))

    async def update(
        self,
        post_id: uuid.UUID,
        changes: Mapping[str, object],
        caller: AccessClaims,
        if_match: str | None,
    ) -> PostRead:
        """Raises `PostNotFound`, `NotTheAuthor`, `PreconditionFailed`."""
        post = await self._for_writing(post_id, caller, if_match)
        return await self._read(await self._posts.update(post, changes))

    async def publish(
        self, post_id: uuid.UUID, caller: AccessClaims, if_match: str | None
    ) -> PostRead:
        """Publish a post. A published post keeps its publication time. Raises like `update`."""
        post = await self._for_writing(post_id, caller, if_match)
        if post.published_at is None:
            await self._posts.update(post, {"published_at": self._clock()})
        return await self._read(post)

    async def unpublish(
        self, post_id: uuid.UUID, caller: AccessClaims, if_match: str | None
    ) -> PostRead:
        """Make a post a draft, as its author or a moderator. Raises like `update`."""
        post = await self._for_writing(post_id, caller, if_match, moderators=True)
        if post.published_at is not None:
            await self._posts.update(post, {"published_at": None})
        return await self._read(post)

    async def delete(self, post_id: uuid.UUID, caller: AccessClaims, if_match: str | None) -> None:
        """Delete a post, as its author or a moderator. Raises like `update`."""
        await self._posts.delete(
            await self._for_writing(post_id, caller, if_match, moderators=True)
        )

    async def _for_writing(
        self,
        post_id: uuid.UUID,
        caller: AccessClaims,
        if_match: str | None,
        *,
        moderators: bool = False,
    ) -> Post:
        """Lock and return the row if the caller may change it and `If-Match` allows the change."""
        post = await self._posts.get(post_id, for_update=True)
        is_author = post is not None and post.author_id == caller.user_id
        if post is None or not (post.is_published or is_author):
            raise PostNotFound
        if not is_author and not (moderators and caller.has_permission(MODERATE)):
            raise NotTheAuthor
        if if_match is not None:
            check_if_match(if_match, (await self._read(post)).etag)
        return post

    async def _read(self, post: Post) -> PostRead:
        read = await POST_BY_ID.one_in(self._session, id=post.id)
        if read is None:
            raise PostNotFound
        return read
