"""Access tokens for tests, signed in the same way as auth signs them."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from duet_common.clock import Clock, utc_now
from duet_common.ids import new_id
from duet_common.tokens.claims import ClaimsPolicy
from duet_common.tokens.jose import Algorithm
from duet_common.tokens.keys import Jwks, Keyset, VerificationKey, verification_key
from duet_common.tokens.signing import NewAccessToken, SigningKey, generate_private_key

_TEN_MINUTES: Final = timedelta(minutes=10)


class StaticKeySource:
    """A `KeySource` whose `keys` a test changes, as auth's JWKS would change."""

    def __init__(self, keys: Keyset) -> None:
        self.keys: dict[str, VerificationKey] = dict(keys)

    def current(self, kid: str) -> VerificationKey | None:
        return self.keys.get(kid)

    async def find(self, kid: str) -> VerificationKey | None:
        return self.keys.get(kid)


class TokenFactory:
    """Signs access tokens with a new key. Issuer and audience are the services' defaults.

    Two keys are published, as before a rotation: `key`, which signs, and `next_key` (ES256), which
    does not sign yet. `private_pem` is the private key of `key`, for tests that forge tokens.
    """

    def __init__(
        self,
        clock: Clock = utc_now,
        *,
        issuer: str = "https://duet.local",
        audience: str = "duet",
        algorithm: Algorithm = "ES256",
    ) -> None:
        self.clock = clock
        self.policy = ClaimsPolicy(issuer=issuer, audience=audience)
        self.private_pem = generate_private_key(algorithm)
        self.key = SigningKey.from_pem(self.private_pem, algorithm)
        self.next_key = SigningKey.from_pem(generate_private_key("ES256"), "ES256")

    def access_token(
        self,
        user_id: uuid.UUID | None = None,
        session_id: uuid.UUID | None = None,
        permissions: Iterable[str] = (),
        lifetime: timedelta = _TEN_MINUTES,
    ) -> str:
        """Return a token issued now, for a new user and session unless they are given."""
        return self.key.sign(
            NewAccessToken(
                issuer=self.policy.issuer,
                audience=self.policy.audience,
                user_id=user_id or new_id(),
                session_id=session_id or new_id(),
                token_id=new_id(),
                permissions=permissions,
                issued_at=self.clock(),
                lifetime=lifetime,
            )
        )

    def key_source(self) -> StaticKeySource:
        """Return a new source of the published keys."""
        public = (verification_key(key.public_jwk) for key in (self.key, self.next_key))
        return StaticKeySource({key.kid: key for key in public})

    def jwks(self) -> bytes:
        """Return the published keys as a JWK Set."""
        jwks = Jwks(keys=[self.key.public_jwk, self.next_key.public_jwk])
        return jwks.model_dump_json().encode("utf-8")
