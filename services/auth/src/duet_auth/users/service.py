"""The rules for users. The service never commits: the request's transaction does."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.events.schemas import (
    SnapshotUser,
    TokensRevokedBefore,
    UserDeleted,
    UserRegistered,
    UserUpdated,
)
from duet_auth.events.service import EventService
from duet_auth.passwords.hasher import PasswordHasher
from duet_auth.users.emails import stored_email
from duet_auth.users.errors import EmailTaken, UserNotFound, WrongPassword
from duet_auth.users.models import User
from duet_auth.users.repository import (
    CREDENTIALS_BY_EMAIL,
    CREDENTIALS_BY_ID,
    USERS_AFTER,
    Credentials,
    UserRepository,
)
from duet_auth.users.schemas import UserCreate
from duet_common.clock import Clock
from duet_common.db.constraints import constraint_errors
from duet_common.db.keyset import Cursor
from duet_common.db.queries import ReadOnlyPool
from duet_common.errors import Unavailable
from duet_common.tokens.claims import SUPERUSER_SCOPE

_MAX_ATTEMPTS: Final = 3  # of a check that concurrent changes of the password invalidate

_CLOCK_TOLERANCE: Final = timedelta(seconds=5)
"""How far the clocks of two replicas may differ, as in `ClaimsPolicy.leeway`."""

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
        User.tokens_revoked_before,
    )
    .where(User.is_active)
    .subquery("active_users")
)
"""The columns of `UserRead` for active users, and what revokes their tokens, for other domains."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The user to whom a token is issued, and the permissions that it carries.

    `tokens_revoked_before` is the instant that the token must not precede, or None.
    """

    user_id: uuid.UUID
    permissions: frozenset[str]
    tokens_revoked_before: datetime | None


class UserService:
    """Users and their passwords. Sessions have their own service."""

    def __init__(
        self,
        session: AsyncSession,
        pool: ReadOnlyPool,
        hasher: PasswordHasher,
        events: EventService,
        clock: Clock,
    ) -> None:
        self._session = session
        self._users = UserRepository(session)
        self._pool = pool
        self._hasher = hasher
        self._events = events
        self._clock = clock

    async def register(self, new: UserCreate) -> User:
        """Raises `EmailTaken`. PostgreSQL enforces uniqueness, also for concurrent requests."""
        user = User(
            email=new.email,
            hashed_password=await self._hasher.hash(new.password.get_secret_value()),
            first_name=new.first_name,
            last_name=new.last_name,
        )
        async with constraint_errors({"uq_users_email": EmailTaken}):
            await self._users.create(user)
        await self._events.append(UserRegistered(user_id=user.id, **_names(user)))
        return user

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
        """Return the subject of a new token, or None if the user is deleted or inactive.

        The user's row is locked until the transaction ends, so that a revocation of the user's
        tokens comes either before this token or after it. Parallel refreshes share the lock.
        """
        user = await self._users.get_shared(user_id)
        return subject_of(user) if user is not None and user.is_active else None

    async def update(self, user_id: uuid.UUID, changes: Mapping[str, object]) -> User:
        """Set the given attributes, also to None. Raises `UserNotFound`."""
        user = await self._locked(user_id)
        before = _names(user)
        await self._users.update(user, changes)
        if _names(user) != before:
            await self._events.append(UserUpdated(user_id=user.id, **_names(user)))
        return user

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

        If the user loses a permission, the tokens that contain it are revoked. Raises
        `UserNotFound`.
        """
        user = await self._locked((await self.get_by_email(email)).id)
        before = subject_of(user).permissions
        values: dict[str, object] = {"permissions": list(permissions)}
        if is_superuser is not None:
            values["is_superuser"] = is_superuser
        await self._users.update(user, values)
        after = subject_of(user).permissions
        if SUPERUSER_SCOPE not in after and before - after:
            await self._revoke_tokens(user)

    async def delete(self, user_id: uuid.UUID) -> None:
        """Delete the user and their sessions and refresh tokens. Raises `UserNotFound`."""
        await self._users.delete(await self._locked(user_id))
        await self._events.append(UserDeleted(user_id=user_id))

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

    async def snapshot(self, after: uuid.UUID | None, limit: int) -> list[SnapshotUser]:
        """Return what other services may know about the users after an id, by id."""
        return await USERS_AFTER.all(self._pool, after=after or uuid.UUID(int=0), limit=limit)

    async def _revoke_tokens(self, user: User) -> None:
        """Revoke every token that was issued to the user before now. The row must be locked.

        The instant is slightly in the future, because another replica, whose clock is ahead, may
        have issued the last token. A later token is made at this instant or after it: see
        `TokenIssuer`.
        """
        now = self._clock()
        whole = now.replace(microsecond=now.microsecond // 1000 * 1000)
        instant = whole + _CLOCK_TOLERANCE
        if user.tokens_revoked_before is not None:
            # Also after the tokens that were issued at the previous instant.
            instant = max(instant, user.tokens_revoked_before + timedelta(milliseconds=1))
        await self._users.update(user, {"tokens_revoked_before": instant})
        await self._events.append(TokensRevokedBefore(user_id=user.id, before=instant))

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
    return Subject(user.id, frozenset(permissions), user.tokens_revoked_before)


def _names(user: User) -> dict[str, str | None]:
    return {"first_name": user.first_name, "last_name": user.last_name}
