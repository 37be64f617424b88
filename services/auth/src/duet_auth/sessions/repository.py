"""Database access to sessions and refresh tokens."""

from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, select, update

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

    async def lock_by_token(self, token_hash: bytes) -> tuple[UserSession, RefreshToken] | None:
        """Lock a token's session; return it and the token as it is under that lock."""
        query = select(RefreshToken.session_id).where(RefreshToken.token_hash == token_hash)
        session_id = await self.session.scalar(query)
        if session_id is None:
            return None
        user_session = await self.get(session_id, for_update=True)
        if user_session is None:
            return None
        token = await self.session.get(RefreshToken, token_hash)
        return None if token is None else (user_session, token)

    async def add_token(self, token: RefreshToken) -> None:
        self.session.add(token)
        await self.session.flush()

    async def revoke(self, *filters: ColumnElement[bool], now: datetime, reason: str) -> int:
        """Revoke the matching sessions that are not revoked yet; return their number."""
        statement = (
            update(UserSession)
            .where(*filters, UserSession.revoked_at.is_(None))
            .values(revoked_at=now, revoked_reason=reason)
            .returning(UserSession.id)
        )
        return len((await self.session.scalars(statement)).all())
