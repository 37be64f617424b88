"""PyJWT with strict options accepts the same valid tokens and refuses most forgeries."""

from typing import Any, Final

import jwt
import pytest

from duet_common.clock import utc_now
from duet_common.testing.tokens import TokenFactory
from duet_common.tokens.errors import Refusal
from duet_common.tokens.verifier import TokenVerifier
from tests.support.forged_tokens.catalogue import forgeries
from tests.support.forged_tokens.forge import Forge

REQUIRED: Final = ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "scope"]
REFUSED_ONLY_BY_DUET: Final = {
    Refusal.TOO_LARGE,
    Refusal.BAD_ENCODING,
    Refusal.BAD_HEADER,
    Refusal.BAD_TYPE,
    Refusal.BAD_CLAIMS,
    Refusal.TOO_LONG_LIVED,
}


@pytest.fixture
def factory() -> TokenFactory:
    return TokenFactory(utc_now)  # PyJWT takes no clock


def decode(factory: TokenFactory, token: str) -> dict[str, Any]:
    """Return the claims. Raises `jwt.PyJWTError`, or `KeyError` for a missing or unknown kid."""
    kid = jwt.get_unverified_header(token)["kid"]
    return jwt.decode(
        token,
        jwt.PyJWKSet.from_json(factory.jwks().decode())[kid],
        algorithms=["ES256"],
        issuer=factory.policy.issuer,
        audience=factory.policy.audience,
        options={"require": REQUIRED, "strict_aud": True},
    )


async def test_pyjwt_reads_the_same_claims_from_a_token_that_auth_signs(
    factory: TokenFactory,
) -> None:
    verifier = TokenVerifier(factory.key_source(), factory.policy, factory.clock)
    token = factory.access_token(permissions=["posts:read", "users:read"])

    claims, pyjwt_claims = await verifier.verify(token), decode(factory, token)

    assert pyjwt_claims == {
        "iss": factory.policy.issuer,
        "aud": factory.policy.audience,
        "sub": str(claims.user_id),
        "sid": str(claims.session_id),
        "jti": str(claims.token_id),
        "iat": claims.issued_at,
        "nbf": claims.issued_at,
        "exp": claims.expires_at,
        "scope": "posts:read users:read",
    }
    assert jwt.get_unverified_header(token) == {
        "alg": "ES256",
        "kid": factory.key.kid,
        "typ": "at+jwt",
    }


def test_pyjwt_accepts_the_valid_token_that_forgeries_are_made_of(factory: TokenFactory) -> None:
    forge = Forge(factory)

    assert decode(factory, forge.good) == decode(factory, forge.jws()) == forge.claims


def test_pyjwt_refuses_the_forgeries_that_not_only_duet_refuses(
    factory: TokenFactory,
) -> None:
    # Tokens that are not yet valid are left out, because they may have become valid.
    compared = [
        forgery
        for forgery in forgeries(factory)
        if forgery.refusal not in REFUSED_ONLY_BY_DUET | {Refusal.NOT_YET_VALID}
    ]

    for forgery in compared:
        with pytest.raises((jwt.PyJWTError, KeyError)):
            pytest.fail(f"{forgery.name}: {decode(factory, forgery.token)}")


def test_pyjwt_accepts_a_forgery_for_each_reason_that_only_duet_checks(
    factory: TokenFactory,
) -> None:
    accepted: set[Refusal] = set()
    for forgery in forgeries(factory):
        try:
            decode(factory, forgery.token)
        except (jwt.PyJWTError, KeyError, UnicodeError):
            continue
        accepted.add(forgery.refusal)

    assert accepted == REFUSED_ONLY_BY_DUET
