"""What auth runs on; `duet_auth.main` creates it, and `runtime_of` returns it."""

from dataclasses import dataclass

from duet_auth.events.feed import EventFeed
from duet_auth.keys.issuer import TokenIssuer
from duet_auth.keys.ring import KeyRing
from duet_auth.passwords.hasher import PasswordHasher
from duet_auth.sessions.refresh_tokens import RefreshTokenMaker
from duet_auth.sessions.service import SessionPolicy
from duet_auth.settings import AuthSettings
from duet_common.web.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthRuntime(Runtime):
    settings: AuthSettings
    ring: KeyRing
    issuer: TokenIssuer
    hasher: PasswordHasher
    refresh_tokens: RefreshTokenMaker
    session_policy: SessionPolicy
    feed: EventFeed
