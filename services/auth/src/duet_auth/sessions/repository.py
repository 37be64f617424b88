"""Sessions and refresh tokens in the database."""

from datetime import datetime

from sqlalchemy import ColumnElement, select, update

from duet_auth.sessions.models import RefreshToken, Session
from duet_common.db.repository import Repository


def live(now: datetime) -> list[ColumnElement[bool]]:
    """What makes a session good."""
    return [
        Session.revoked_at.is_(None),
        Session.expires_at > now,
        Session.idle_expires_at > now,
    ]


class SessionRepository(Repository[Session]):
    model = Session

    async def lock_family(self, token_hash: bytes) -> tuple[Session, RefreshToken] | None:
        """The family of a token, its row locked, and the token as it is under that lock."""
        query = select(RefreshToken.session_id).where(RefreshToken.token_hash == token_hash)
        session_id = await self.session.scalar(query)
        if session_id is None:
            return None
        family = await self.get(session_id, for_update=True)
        if family is None:
            return None
        token = await self.session.get(RefreshToken, token_hash)
        return None if token is None else (family, token)

    async def add_token(self, token: RefreshToken) -> None:
        self.session.add(token)
        await self.session.flush()

    async def revoke(self, *filters: ColumnElement[bool], now: datetime, reason: str) -> int:
        """Revoke the sessions that match and are not revoked yet; how many that were."""
        statement = (
            update(Session)
            .where(*filters, Session.revoked_at.is_(None))
            .values(revoked_at=now, revoked_reason=reason)
            .returning(Session.id)
        )
        return len((await self.session.scalars(statement)).all())
