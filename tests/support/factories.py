"""One factory per model; a factory flushes its row and leaves the commit to the test."""

import itertools
import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.users.models import User
from duet_common.clock import utc_now
from duet_common.ids import new_id
from duet_content.posts.models import Post
from duet_content.profiles.models import Profile

_NUMBERS = itertools.count(1)


async def make_user(session: AsyncSession, **values: object) -> User:
    user = User(**{"email": f"user-{next(_NUMBERS)}@example.com", "hashed_password": "!", **values})
    session.add(user)
    await session.flush()
    return user


async def make_post(
    session: AsyncSession, author_id: uuid.UUID, *, published: bool = True, **values: object
) -> Post:
    published_at = utc_now() if published else None
    post = Post(
        **{
            "author_id": author_id,
            "title": f"Post {next(_NUMBERS)}",
            "content": "Words.",
            "published_at": published_at,
            **values,
        }
    )
    session.add(post)
    await session.flush()
    return post


async def make_profile(session: AsyncSession, **values: object) -> Profile:
    profile = Profile(**{"user_id": new_id(), "display_name": "Ada", **values})
    session.add(profile)
    await session.flush()
    return profile
