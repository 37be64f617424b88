"""The claims of an access token (RFC 9068), as a type that only a check of them creates."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from duet_common.tokens.errors import Refusal, TokenRefused
from duet_common.tokens.strict_json import JsonObject

TOKEN_TYPE: Final = "at+jwt"
SUPERUSER_SCOPE: Final = "*"
_REQUIRED: Final = frozenset({"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "scope"})
_SCOPE_TOKEN: Final = re.compile(r"[!#-\[\]-~]+")  # RFC 6749, section 3.3
_SCOPE: Final = re.compile(rf"(?:{_SCOPE_TOKEN.pattern}(?: {_SCOPE_TOKEN.pattern})*)?")
_MAX_TIMESTAMP: Final = 2**53


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """Verified claims. Times are whole seconds since the epoch, UTC."""

    user_id: uuid.UUID
    session_id: uuid.UUID
    token_id: uuid.UUID
    permissions: frozenset[str]
    issued_at: int
    expires_at: int

    def has_permission(self, permission: str) -> bool:
        return permission in self.permissions or SUPERUSER_SCOPE in self.permissions


@dataclass(frozen=True, slots=True)
class ClaimsPolicy:
    """What a verifier requires of the claims.

    `leeway` allows for clocks that differ between auth and a verifier. It applies only to `iat`
    and `nbf`, so a token is never accepted after its `exp`.
    """

    issuer: str
    audience: str
    max_lifetime: timedelta = timedelta(hours=1)
    leeway: timedelta = timedelta(seconds=5)


def make_scope(permissions: Iterable[str]) -> str:
    """Return the `scope` for some permissions. Raises ValueError for an invalid scope token.

    A space in a permission would split it in two, and `"x *"` would grant every permission.
    """
    scopes = sorted(permissions)
    for scope in scopes:
        if not _SCOPE_TOKEN.fullmatch(scope):
            raise ValueError(f"{scope!r} is not a valid scope token (RFC 6749, section 3.3)")
    return " ".join(scopes)


def check_claims(claims: JsonObject, policy: ClaimsPolicy, now: float) -> AccessClaims:
    """Check every claim against the policy at `now` (seconds since the epoch).

    Raises `TokenRefused`. The claims must be exactly those that auth issues: another claim means
    that the token was not issued by auth.
    """
    if claims.keys() != _REQUIRED:
        raise TokenRefused(Refusal.BAD_CLAIMS)
    if claims["iss"] != policy.issuer:
        raise TokenRefused(Refusal.BAD_ISSUER)
    if claims["aud"] != policy.audience:
        raise TokenRefused(Refusal.BAD_AUDIENCE)
    issued_at, not_before, expires_at = (_time(claims[name]) for name in ("iat", "nbf", "exp"))
    leeway = policy.leeway.total_seconds()
    if expires_at <= now:
        raise TokenRefused(Refusal.EXPIRED)
    if issued_at > now + leeway or not_before > now + leeway:
        raise TokenRefused(Refusal.NOT_YET_VALID)
    if expires_at <= issued_at:
        raise TokenRefused(Refusal.BAD_CLAIMS)
    if expires_at - issued_at > policy.max_lifetime.total_seconds():
        raise TokenRefused(Refusal.TOO_LONG_LIVED)
    return AccessClaims(
        user_id=_uuid(claims["sub"]),
        session_id=_uuid(claims["sid"]),
        token_id=_uuid(claims["jti"]),
        permissions=_scope(claims["scope"]),
        issued_at=issued_at,
        expires_at=expires_at,
    )


def _time(value: object) -> int:
    # `bool` is a subclass of `int`, and RFC 7519 allows fractions, which auth never issues.
    if type(value) is not int or not 0 <= value < _MAX_TIMESTAMP:
        raise TokenRefused(Refusal.BAD_CLAIMS)
    return value


def _uuid(value: object) -> uuid.UUID:
    if not isinstance(value, str):
        raise TokenRefused(Refusal.BAD_CLAIMS)
    try:
        parsed = uuid.UUID(value)
    except ValueError:
        raise TokenRefused(Refusal.BAD_CLAIMS) from None
    if str(parsed) != value:  # uuid.UUID also accepts braces, urn: and upper case
        raise TokenRefused(Refusal.BAD_CLAIMS)
    return parsed


def _scope(value: object) -> frozenset[str]:
    if not isinstance(value, str) or not _SCOPE.fullmatch(value):
        raise TokenRefused(Refusal.BAD_CLAIMS)
    return frozenset(value.split())
