"""The rules for sessions: login, refresh with reuse detection, logout."""

import hashlib
import hmac
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.events.schemas import SessionRevoked
from duet_auth.events.service import EventService
from duet_auth.keys.issuer import TokenIssuer
from duet_auth.sessions.errors import InvalidCredentials, SessionNotFound
from duet_auth.sessions.models import RefreshToken, UserSession
from duet_auth.sessions.refresh_tokens import RefreshTokenMaker, RefreshTokenValue
from duet_auth.sessions.repository import SessionRepository, live
from duet_auth.sessions.schemas import TokenPair
from duet_auth.users.service import Subject, UserService
from duet_common.clock import Clock
from duet_common.db.keyset import Cursor

logger = logging.getLogger(__name__)


class RevokedReason(StrEnum):
    LOGOUT = "logout"
    LOGOUT_ALL = "logout_all"
    REUSE = "reuse"
    PASSWORD_CHANGED = "password_changed"


@dataclass(frozen=True, slots=True)
class Client:
    """The client of a session, as far as HTTP identifies it."""

    user_agent: str | None
    address: str | None

    @property
    def digest(self) -> bytes:
        """A digest that identifies "the same client" within the grace period.

        It only includes the user agent: two tabs of a browser may connect over IPv4 and IPv6.
        """
        return hashlib.sha256((self.user_agent or "").encode("utf-8")).digest()


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    idle: timedelta
    absolute: timedelta
    grace: timedelta


@dataclass(frozen=True, slots=True)
class Refreshed:
    tokens: TokenPair


class RefreshRefused(StrEnum):
    """Why a refresh was refused. It is returned, not raised, so that a revocation is committed."""

    UNKNOWN = "unknown"
    ENDED = "ended"
    OTHER_CLIENT = "other_client"
    REUSED = "reused"


class SessionService:
    """Sessions of users. The service never commits: the request's transaction does."""

    def __init__(
        self,
        session: AsyncSession,
        users: UserService,
        events: EventService,
        issuer: TokenIssuer,
        maker: RefreshTokenMaker,
        policy: SessionPolicy,
        clock: Clock,
    ) -> None:
        self._sessions = SessionRepository(session)
        self._users = users
        self._events = events
        self._issuer = issuer
        self._maker = maker
        self._policy = policy
        self._clock = clock

    async def login(self, email: str, password: str, client: Client) -> TokenPair:
        """Start a session. Raises the same `InvalidCredentials` for every reason."""
        subject = await self._users.authenticate(email, password)
        if subject is None:
            raise InvalidCredentials
        now = self._clock()
        user_session = await self._sessions.create(
            UserSession(
                user_id=subject.user_id,
                user_agent=client.user_agent,
                address=client.address,
                last_used_at=now,
                idle_expires_at=now + self._policy.idle,
                expires_at=now + self._policy.absolute,
            )
        )
        token = self._maker.first()
        await self._sessions.add_token(
            RefreshToken(token_hash=token.hash, session_id=user_session.id, created_at=now)
        )
        return self._pair(user_session, subject, token, now)

    async def refresh(self, presented: str, client: Client) -> Refreshed | RefreshRefused:
        """Rotate a refresh token (RFC 9700, section 4.14.2).

        The user's row is locked before the session's, which is also the order in which a change of
        the password locks them. One of several parallel requests rotates the token, and the others
        find it used. Within the grace period, the same client gets the same successor again and
        another client is refused; after it, the session is revoked.
        """
        token = RefreshTokenValue.parse(presented)
        ids = await self._sessions.find_by_token(token.hash) if token else None
        if token is None or ids is None:
            return RefreshRefused.UNKNOWN
        session_id, user_id = ids
        subject = await self._users.subject(user_id)
        found = await self._sessions.lock_with_token(session_id, token.hash)
        if found is None:
            return RefreshRefused.UNKNOWN
        user_session, row = found
        now = self._clock()
        if subject is None or not _is_live(user_session, now):
            return RefreshRefused.ENDED
        successor = self._maker.successor(token)
        if row.used_at is None:
            await self._rotate(user_session, row, successor, client, now)
        elif now - row.used_at > self._policy.grace:
            await self._revoke(UserSession.id == user_session.id, reason=RevokedReason.REUSE)
            logger.warning("A refresh token was reused. Session %s is revoked.", user_session.id)
            return RefreshRefused.REUSED
        elif not hmac.compare_digest(row.used_by or b"", client.digest):
            return RefreshRefused.OTHER_CLIENT
        return Refreshed(self._pair(user_session, subject, successor, now))

    async def logout(self, session_id: uuid.UUID) -> None:
        """End a session. It may already have ended."""
        await self._revoke(UserSession.id == session_id, reason=RevokedReason.LOGOUT)

    async def logout_all(self, user_id: uuid.UUID) -> None:
        await self._revoke(UserSession.user_id == user_id, reason=RevokedReason.LOGOUT_ALL)

    async def end_others(self, user_id: uuid.UUID, but: uuid.UUID) -> None:
        """End all sessions of a user except one, after a change of the password."""
        await self._revoke(
            UserSession.user_id == user_id,
            UserSession.id != but,
            reason=RevokedReason.PASSWORD_CHANGED,
        )

    async def end_one(self, user_id: uuid.UUID, session_id: uuid.UUID) -> None:
        """End one session of the user. Raises `SessionNotFound` if they have no such session."""
        ended = await self._revoke(
            UserSession.id == session_id,
            UserSession.user_id == user_id,
            reason=RevokedReason.LOGOUT,
        )
        if not ended:
            raise SessionNotFound

    async def page(self, user_id: uuid.UUID, after: Cursor, limit: int) -> Sequence[UserSession]:
        """Return the user's sessions that have not ended, newest first."""
        return await self._sessions.page(
            UserSession.user_id == user_id, *live(self._clock()), after=after, limit=limit
        )

    async def _revoke(self, *filters: ColumnElement[bool], reason: RevokedReason) -> int:
        """Revoke the matching sessions that are not revoked yet; return their number."""
        ended = await self._sessions.revoke(*filters, now=self._clock(), reason=reason)
        await self._events.append(
            *(SessionRevoked(user_id=row.user_id, session_id=row.id) for row in ended)
        )
        return len(ended)

    async def _rotate(
        self,
        user_session: UserSession,
        row: RefreshToken,
        successor: RefreshTokenValue,
        client: Client,
        now: datetime,
    ) -> None:
        row.used_at = now
        row.used_by = client.digest
        await self._sessions.add_token(
            RefreshToken(token_hash=successor.hash, session_id=user_session.id, created_at=now)
        )
        idle_until = min(now + self._policy.idle, user_session.expires_at)
        await self._sessions.update(
            user_session, {"last_used_at": now, "idle_expires_at": idle_until}
        )

    def _pair(
        self, user_session: UserSession, subject: Subject, refresh: RefreshTokenValue, now: datetime
    ) -> TokenPair:
        refresh_until = min(user_session.idle_expires_at, user_session.expires_at)
        return TokenPair(
            token_type="bearer",
            access_token=self._issuer.issue(
                user_id=subject.user_id,
                session_id=user_session.id,
                permissions=subject.permissions,
                now=now,
                revoked_before=subject.tokens_revoked_before,
            ),
            refresh_token=refresh.reveal(),
            expires_in=int(self._issuer.lifetime.total_seconds()),
            refresh_expires_in=int((refresh_until - now).total_seconds()),
        )


def _is_live(user_session: UserSession, now: datetime) -> bool:
    return (
        user_session.revoked_at is None
        and user_session.expires_at > now
        and user_session.idle_expires_at > now
    )
