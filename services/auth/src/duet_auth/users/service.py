"""The rules for users. The service never commits: the request's transaction does."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.passwords.hasher import PasswordHasher
from duet_auth.users.emails import stored_email
from duet_auth.users.errors import EmailTaken, UserNotFound, WrongPassword
from duet_auth.users.models import User
from duet_auth.users.repository import (
    CREDENTIALS_BY_EMAIL,
    CREDENTIALS_BY_ID,
    Credentials,
    UserRepository,
)
from duet_auth.users.schemas import UserCreate
from duet_common.db.constraints import constraint_errors
from duet_common.db.keyset import Cursor
from duet_common.db.queries import ReadOnlyPool
from duet_common.errors import Unavailable
from duet_common.tokens.claims import SUPERUSER_SCOPE

_MAX_ATTEMPTS: Final = 3  # of a check that concurrent changes of the password invalidate

ACTIVE_USERS: Final = (
    select(
        User.id,
        User.email,
        User.first_name,
        User.last_name,
        User.is_active,
        User.is_superuser,
        User.email_verified,
        User.permissions,
        User.created_at,
        User.updated_at,
    )
    .where(User.is_active)
    .subquery("active_users")
)
"""The columns of `UserRead` for active users, for other domains to join."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The user to whom a token is issued, and the permissions that it carries."""

    user_id: uuid.UUID
    permissions: frozenset[str]


class UserService:
    """Users and their passwords. Sessions have their own service."""

    def __init__(self, session: AsyncSession, pool: ReadOnlyPool, hasher: PasswordHasher) -> None:
        self._session = session
        self._users = UserRepository(session)
        self._pool = pool
        self._hasher = hasher

    async def register(self, new: UserCreate) -> User:
        """Raises `EmailTaken`. PostgreSQL enforces uniqueness, also for concurrent requests."""
        user = User(
            email=new.email,
            hashed_password=await self._hasher.hash(new.password.get_secret_value()),
            first_name=new.first_name,
            last_name=new.last_name,
        )
        async with constraint_errors({"uq_users_email": EmailTaken}):
            return await self._users.create(user)

    async def authenticate(self, email: str, password: str) -> Subject | None:
        """Return the subject, or None for an unknown email, a wrong password or an inactive user.

        Each of these cases computes one hash of the current kind, so that they take the same time.
        An outdated hash is replaced if the password is correct. No connection is held while a hash
        is computed. Raises `Unavailable` if the password changes again and again meanwhile.
        """
        address = stored_email(email)
        for _ in range(_MAX_ATTEMPTS):
            credentials = await CREDENTIALS_BY_EMAIL.one(self._pool, email=address)
            stored = credentials.hashed_password if credentials else None
            verdict = await self._hasher.verify(password, stored)
            if credentials is None or not verdict.matches or not credentials.is_active:
                return None
            # Locked, because a concurrent deletion would leave the new session without its user.
            user = await self._lock_if_unchanged(credentials)
            if user is not None:
                break
        else:
            raise Unavailable
        if not user.is_active:
            return None
        if verdict.upgraded_hash is not None:
            await self._users.update(user, {"hashed_password": verdict.upgraded_hash})
        return subject_of(user)

    async def subject(self, user_id: uuid.UUID) -> Subject | None:
        """Return the subject of a new token, or None if the user is deleted or inactive."""
        user = await self._users.get(user_id)
        return subject_of(user) if user is not None and user.is_active else None

    async def update(self, user_id: uuid.UUID, changes: Mapping[str, object]) -> User:
        """Set the given attributes, also to None. Raises `UserNotFound`."""
        return await self._users.update(await self._locked(user_id), changes)

    async def change_password(self, user_id: uuid.UUID, current: str, new: str) -> None:
        """Raises `UserNotFound`, `WrongPassword`, `Unavailable`. The caller ends other sessions.

        No connection is held while the hashes are computed.
        """
        for _ in range(_MAX_ATTEMPTS):
            credentials = await CREDENTIALS_BY_ID.one(self._pool, id=user_id)
            if credentials is None:
                raise UserNotFound
            if not (await self._hasher.verify(current, credentials.hashed_password)).matches:
                raise WrongPassword
            new_hash = await self._hasher.hash(new)
            user = await self._lock_if_unchanged(credentials)
            if user is not None:
                await self._users.update(user, {"hashed_password": new_hash})
                return
        raise Unavailable

    async def set_permissions(
        self, email: str, permissions: Sequence[str], *, is_superuser: bool | None = None
    ) -> None:
        """Replace a user's permissions; None leaves `is_superuser` as it is.

        Raises `UserNotFound`.
        """
        values: dict[str, object] = {"permissions": list(permissions)}
        if is_superuser is not None:
            values["is_superuser"] = is_superuser
        await self._users.update(await self.get_by_email(email), values)

    async def delete(self, user_id: uuid.UUID) -> None:
        """Delete the user and their sessions and refresh tokens. Raises `UserNotFound`."""
        await self._users.delete(await self._locked(user_id))

    async def get(self, user_id: uuid.UUID) -> User:
        """Raises `UserNotFound`."""
        user = await self._users.get(user_id)
        if user is None:
            raise UserNotFound
        return user

    async def get_by_email(self, email: str) -> User:
        """Raises `UserNotFound`."""
        user = await self._users.get_by_email(stored_email(email))
        if user is None:
            raise UserNotFound
        return user

    async def get_multi(
        self, *, skip: int = 0, limit: int = 100, active_only: bool = False
    ) -> tuple[Sequence[User], int]:
        """Return a slice of the users, newest first, and the total number of matching users."""
        filters = [User.is_active.is_(True)] if active_only else []
        users = await self._users.get_multi(*filters, skip=skip, limit=limit)
        return users, await self._users.count(*filters)

    async def page(self, after: Cursor, limit: int) -> Sequence[User]:
        """Return the users after a cursor, newest first."""
        return await self._users.page(after=after, limit=limit)

    async def _lock_if_unchanged(self, credentials: Credentials) -> User | None:
        """Lock the user's row. Return None, without the lock, if the password was changed since.

        The lock is released because the caller hashes again. Nothing else is lost with it: the
        request has not written anything yet.
        """
        user = await self._users.get(credentials.id, for_update=True)
        if user is not None and user.hashed_password == credentials.hashed_password:
            return user
        await self._session.rollback()
        return None

    async def _locked(self, user_id: uuid.UUID) -> User:
        user = await self._users.get(user_id, for_update=True)
        if user is None:
            raise UserNotFound
        return user


def subject_of(user: User) -> Subject:
    permissions = {SUPERUSER_SCOPE} if user.is_superuser else set(user.permissions)
    return Subject(user.id, frozenset(permissions))
