"""The rules for profiles. The service never commits: the request's transaction does."""

import uuid
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.db.queries import ReadOnlyPool
from duet_common.web.etag import check_if_match
from duet_content.profiles.errors import ProfileNotFound
from duet_content.profiles.models import Profile
from duet_content.profiles.repository import PROFILE_BY_USER_ID, ProfileRepository
from duet_content.profiles.schemas import ProfileRead

PUBLIC_NAMES = select(
    Profile.user_id, Profile.display_name.label("name"), Profile.avatar_url
).subquery("public_names")
"""Users' public names (`user_id`, `name`, `avatar_url`), for other domains to join."""


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
        """Return the caller's profile. The first request creates an empty one."""
        profile = await PROFILE_BY_USER_ID.one(self._pool, user_id=user_id)
        if profile is None:
            made = await self._profiles.get_or_create(user_id)
            return ProfileRead.model_validate(made)
        return profile

    async def update(
        self, user_id: uuid.UUID, values: Mapping[str, object], if_match: str | None
    ) -> ProfileRead:
        """Set the given attributes of the caller's profile, also to None.

        Raises `PreconditionFailed`.
        """
        profile = await self._profiles.get_or_create(user_id)
        if if_match is not None:
            check_if_match(if_match, ProfileRead.model_validate(profile).etag)
        for name, value in values.items():
            setattr(profile, name, value)
        await self._session.flush()
        return ProfileRead.model_validate(profile)
