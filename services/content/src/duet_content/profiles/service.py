"""The rules of profiles. It never commits: the request's boundary does."""

import uuid
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.db.queries import ReadOnlyPool
from duet_content.profiles.errors import ProfileNotFound
from duet_content.profiles.models import Profile
from duet_content.profiles.repository import PROFILE_BY_USER_ID, ProfileRepository
from duet_content.profiles.schemas import ProfileRead

PUBLIC_NAMES = select(
    Profile.user_id, Profile.display_name.label("name"), Profile.avatar_url
).subquery("public_names")
"""What other domains join to show who someone is: `user_id`, `name`, `avatar_url`."""


class ProfileService:
    def __init__(self, session: AsyncSession, pool: ReadOnlyPool) -> None:
        self._session = session
        self._profiles = ProfileRepository(session)
        self._pool = pool

    async def read(self, user_id: uuid.UUID) -> ProfileRead:
        """Raises `ProfileNotFound`."""
        profile = await PROFILE_BY_USER_ID.one(self._pool, user_id=user_id)
        if profile is None:
            raise ProfileNotFound
        return profile

    async def read_own(self, user_id: uuid.UUID) -> ProfileRead:
        """The caller's profile; an empty one is made the first time it is asked for."""
        profile = await PROFILE_BY_USER_ID.one(self._pool, user_id=user_id)
        if profile is None:
            made = await self._profiles.get_or_create(user_id)
            return ProfileRead.model_validate(made)
        return profile

    async def update(self, user_id: uuid.UUID, values: Mapping[str, object]) -> Profile:
        """Set the given attributes of the caller's profile, None included."""
        profile = await self._profiles.get_or_create(user_id)
        for name, value in values.items():
            setattr(profile, name, value)
        await self._session.flush()
        return profile
