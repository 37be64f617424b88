"""The rules of users. It never commits: the request's boundary does."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.passwords.hasher import PasswordHasher
from duet_auth.users.errors import EmailTaken, UserNotFound, WrongPassword
from duet_auth.users.models import User
from duet_auth.users.repository import CREDENTIALS_BY_EMAIL, UserRepository
from duet_auth.users.schemas import UserCreate
from duet_common.db.constraints import constraint_errors
from duet_common.db.keyset import Cursor
from duet_common.db.queries import ReadOnlyPool
from duet_common.tokens.claims import SUPERUSER_SCOPE


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a token is issued to, and with which permissions."""

    user_id: uuid.UUID
    permissions: frozenset[str]


class UserService:
    """Everything about users but their sessions."""

    def __init__(self, session: AsyncSession, pool: ReadOnlyPool, hasher: PasswordHasher) -> None:
        self._users = UserRepository(session)
        self._pool = pool
        self._hasher = hasher

    async def register(self, new: UserCreate) -> User:
        """Raises `EmailTaken`: PostgreSQL decides, so two at once cannot both succeed."""
        user = User(
            email=new.email,
            hashed_password=await self._hasher.hash(new.password.get_secret_value()),
            first_name=new.first_name,
            last_name=new.last_name,
        )
        async with constraint_errors({"uq_users_email": EmailTaken}):
            return await self._users.create(user)

    async def authenticate(self, email: str, password: str) -> Subject | None:
        """The subject, or None alike for an unknown email, a wrong password and an inactive user.

        The password is hashed exactly once in each of these cases, so that the time tells
        nothing; an outdated hash is replaced when the password was right. No connection is held
        while the hash is computed.
        """
        credentials = None
        if "\0" not in email:
            credentials = await CREDENTIALS_BY_EMAIL.one(self._pool, email=email.lower())
        stored = credentials.hashed_password if credentials else None
        verdict = await self._hasher.verify(password, stored)
        if credentials is None or not verdict.matches or not credentials.is_active:
            return None
        # Locked: a deletion at the same time would leave the new session without its user.
        user = await self._users.get(credentials.id, for_update=True)
        if user is None or not user.is_active:
            return None
        if user.hashed_password != stored:
            # Changed meanwhile: the old password must open nothing, and its upgrade undo nothing.
            return await self.authenticate(email, password)
        if verdict.upgraded_hash is not None:
            await self._users.update(user, {"hashed_password": verdict.upgraded_hash})
        return subject_of(user)

    async def subject(self, user_id: uuid.UUID) -> Subject | None:
        """Whom to issue a further token to; None for a user who is gone or inactive."""
        user = await self._users.get(user_id)
        return subject_of(user) if user is not None and user.is_active else None

    async def update(self, user_id: uuid.UUID, changes: Mapping[str, object]) -> User:
        """Change the given attributes, None included. Raises `UserNotFound`."""
        return await self._users.update(await self._locked(user_id), changes)

    async def change_password(self, user_id: uuid.UUID, current: str, new: str) -> None:
        """Raises `WrongPassword`. The caller ends the other sessions."""
        user = await self._locked(user_id)
        if not (await self._hasher.verify(current, user.hashed_password)).matches:
            raise WrongPassword
        await self._users.update(user, {"hashed_password": await self._hasher.hash(new)})

    async def delete(self, user_id: uuid.UUID) -> None:
        """Delete the user with all sessions and tokens. Raises `UserNotFound`."""
        await self._users.delete(await self._locked(user_id))

    async def get(self, user_id: uuid.UUID) -> User:
        """Raises `UserNotFound`."""
        user = await self._users.get(user_id)
        if user is None:
            raise UserNotFound
        return user

    async def get_by_email(self, email: str) -> User:
        """Raises `UserNotFound`."""
        user = await self._users.get_by_email(email)
        if user is None:
            raise UserNotFound
        return user

    async def page(self, after: Cursor, limit: int, *, active_only: bool = False) -> Sequence[User]:
        filters = [User.is_active.is_(True)] if active_only else []
        return await self._users.page(*filters, after=after, limit=limit)

    async def _locked(self, user_id: uuid.UUID) -> User:
        user = await self._users.get(user_id, for_update=True)
        if user is None:
            raise UserNotFound
        return user


def subject_of(user: User) -> Subject:
    permissions = {SUPERUSER_SCOPE} if user.is_superuser else set(user.permissions)
    return Subject(user.id, frozenset(permissions))
