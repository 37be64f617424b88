"""Offline verification of access tokens: guard, key, signature, claims, in this order."""

import hashlib
from typing import Final

from duet_common.clock import Clock
from duet_common.tokens.claims import AccessClaims, ClaimsPolicy, check_claims
from duet_common.tokens.errors import Refusal, TokenRefused
from duet_common.tokens.key_sources import KeySource
from duet_common.tokens.keys import VerificationKey
from duet_common.tokens.strict_jws import MAX_TOKEN_LENGTH, read_unverified

_REMEMBERED: Final = 16_384


class TokenVerifier:
    """Verifies access tokens and remembers the verified ones by their digest.

    The memory is what makes a hot path fast: 80 µs for a signature, under 1 µs for a digest. It
    is bounded (the oldest entry leaves first), never outlives `exp`, and forgets a token in the
    moment its key is no longer published. The token itself is not kept.
    """

    def __init__(self, keys: KeySource, policy: ClaimsPolicy, clock: Clock) -> None:
        self._keys = keys
        self._policy = policy
        self._clock = clock
        self._remembered: dict[bytes, tuple[VerificationKey, AccessClaims]] = {}

    async def verify(self, token: str) -> AccessClaims:
        """The claims of a token that is valid now. Raises `TokenRefused` for every other string."""
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenRefused(Refusal.TOO_LARGE)
        if not token.isascii():
            raise TokenRefused(Refusal.BAD_ENCODING)
        digest = hashlib.sha256(token.encode("ascii")).digest()
        known = self._remembered.get(digest)
        if known is not None:
            key, claims = known
            if claims.expires_at <= self._clock().timestamp():
                del self._remembered[digest]
                raise TokenRefused(Refusal.EXPIRED)
            if self._keys.current(key.kid) is not None:
                return claims
            del self._remembered[digest]
        key, claims = await self._verify(token)
        if len(self._remembered) >= _REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[digest] = (key, claims)
        return claims

    async def _verify(self, token: str) -> tuple[VerificationKey, AccessClaims]:
        unverified = read_unverified(token)
        key = await self._keys.find(unverified.kid)
        if key is None:
            raise TokenRefused(Refusal.UNKNOWN_KEY)
        if unverified.alg != key.algorithm:
            raise TokenRefused(Refusal.BAD_ALGORITHM)
        if not key.jose.verifies(unverified.compact):
            raise TokenRefused(Refusal.BAD_SIGNATURE)
        # Not a moment earlier: a token may expire while its key is being fetched.
        now = self._clock().timestamp()
        return key, check_claims(unverified.claims, self._policy, now)
