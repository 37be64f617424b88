"""Database access to sessions and refresh tokens."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, DateTime, bindparam, or_, select, update

from duet_auth.sessions.models import RefreshToken, UserSession
from duet_auth.users.schemas import UserRead
from duet_auth.users.service import ACTIVE_USERS
from duet_common.db.queries import Query
from duet_common.db.repository import Repository

ACTIVE_USER_BY_SESSION = Query(
    select(ACTIVE_USERS)
    .join(UserSession, UserSession.user_id == ACTIVE_USERS.c.id)
    .where(
        ACTIVE_USERS.c.id == bindparam("user_id"),
        UserSession.id == bindparam("session_id"),
        UserSession.revoked_at.is_(None),
        or_(
            ACTIVE_USERS.c.tokens_revoked_before.is_(None),
            ACTIVE_USERS.c.tokens_revoked_before
            <= bindparam("token_made_at", type_=DateTime(timezone=True)),
        ),
    ),
    UserRead,
)


def live(now: datetime) -> list[ColumnElement[bool]]:
    """Return the conditions under which a session can be used."""
    return [
        UserSession.revoked_at.is_(None),
        UserSession.expires_at > now,
        UserSession.idle_expires_at > now,
    ]


class SessionRepository(Repository[UserSession]):
    model = UserSession

    async def find_by_token(self, token_hash: bytes) -> tuple[uuid.UUID, uuid.UUID] | None:
        """Return the ids of a token's session and of its user, or None for an unknown token."""
        query = (
            select(UserSession.id, UserSession.user_id)
            .join(RefreshToken, RefreshToken.session_id == UserSession.id)
            .where(RefreshToken.token_hash == token_hash)
        )
        row = (await self.session.execute(query)).one_or_none()
        return None if row is None else (row.id, row.user_id)

    async def lock_with_token(
        self, session_id: uuid.UUID, token_hash: bytes
    ) -> tuple[UserSession, RefreshToken] | None:
        """Lock a session; return it and one of its tokens as it is under that lock."""
        user_session = await self.get(session_id, for_update=True)
        if user_session is None:
            return None
        token = await self.session.get(RefreshToken, token_hash)
        return None if token is None else (user_session, token)

    async def add_token(self, token: RefreshToken) -> None:
        self.session.add(token)
        await self.session.flush()

    async def revoke(
        self, *filters: ColumnElement[bool], now: datetime, reason: str
    ) -> Sequence[UserSession]:
        """Revoke the matching sessions that are not revoked yet, and return them."""
        statement = (
            update(UserSession)
            .where(*filters, UserSession.revoked_at.is_(None))
            .values(revoked_at=now, revoked_reason=reason)
            .returning(UserSession)
        )
        return (await self.session.scalars(statement)).all()
