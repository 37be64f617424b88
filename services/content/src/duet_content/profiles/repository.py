"""Database access to profiles."""

import uuid

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.db.queries import Query
from duet_content.profiles.models import Profile
from duet_content.profiles.schemas import ProfileRead

PROFILE_BY_USER_ID = Query(
    select(
        Profile.user_id,
        Profile.display_name,
        Profile.bio,
        Profile.avatar_url,
        Profile.created_at,
        Profile.updated_at,
    ).where(Profile.user_id == bindparam("user_id")),
    ProfileRead,
)


class ProfileRepository:
    """Not the generic repository: the key is the user's id, and first use creates the row."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get_or_create(self, user_id: uuid.UUID) -> Profile:
        """Lock and return the row. Concurrent first uses create only one row."""
        await self.session.execute(insert(Profile).values(user_id=user_id).on_conflict_do_nothing())
        return await self.session.get_one(Profile, user_id, with_for_update=True)
