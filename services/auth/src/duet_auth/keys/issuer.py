"""Issues access tokens with the active key."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from duet_auth.keys.ring import KeyRing
from duet_common.ids import new_id
from duet_common.tokens.signing import NewAccessToken


class TokenIssuer:
    """Signs access tokens with one issuer, audience and lifetime."""

    def __init__(self, ring: KeyRing, issuer: str, audience: str, lifetime: timedelta) -> None:
        self._ring = ring
        self._issuer = issuer
        self._audience = audience
        self.lifetime = lifetime

    def issue(
        self,
        *,
        user_id: uuid.UUID,
        session_id: uuid.UUID,
        permissions: Iterable[str],
        now: datetime,
        revoked_before: datetime | None,
    ) -> str:
        """Return a signed access token. Raises `NoSigningKey` until the keys have been read.

        The milliseconds in its `jti` decide whether the token is revoked: `iat` is in whole
        seconds. They are those of `now`, or of `revoked_before` if that is later.
        """
        return self._ring.active.sign(
            NewAccessToken(
                issuer=self._issuer,
                audience=self._audience,
                user_id=user_id,
                session_id=session_id,
                token_id=new_id(max(now, revoked_before or now)),
                permissions=permissions,
                issued_at=now,
                lifetime=self.lifetime,
            )
        )
