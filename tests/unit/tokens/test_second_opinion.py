"""PyJWT, told to be strict, agrees with what is accepted here and with most of what is not."""

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
STRICTER_HERE: Final = {
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
    """Raises `jwt.PyJWTError` for what PyJWT refuses, a key it cannot find included."""
    kid = jwt.get_unverified_header(token)["kid"]
    return jwt.decode(
        token,
        jwt.PyJWKSet.from_json(factory.jwks().decode())[kid],
        algorithms=["ES256"],
        issuer=factory.policy.issuer,
        audience=factory.policy.audience,
        options={"require": REQUIRED, "strict_aud": True},
    )


async def test_pyjwt_reads_the_same_in_a_token_that_auth_signs(factory: TokenFactory) -> None:
    verifier = TokenVerifier(factory.key_source(), factory.policy, factory.clock)
    token = factory.access_token(permissions=["posts:read", "users:read"])

    ours, theirs = await verifier.verify(token), decode(factory, token)

    assert theirs == {
        "iss": factory.policy.issuer,
        "aud": factory.policy.audience,
        "sub": str(ours.user_id),
        "sid": str(ours.session_id),
        "jti": str(ours.token_id),
        "iat": ours.issued_at,
        "nbf": ours.issued_at,
        "exp": ours.expires_at,
        "scope": "posts:read users:read",
    }
    assert jwt.get_unverified_header(token) == {
        "alg": "ES256",
        "kid": factory.key.kid,
        "typ": "at+jwt",
    }


def test_the_good_token_of_the_forge_is_good_for_pyjwt_too(factory: TokenFactory) -> None:
    forge = Forge(factory)

    assert decode(factory, forge.good) == decode(factory, forge.jws()) == forge.claims


def test_pyjwt_refuses_the_forgeries_of_keys_signatures_and_addressees(
    factory: TokenFactory,
) -> None:
    # A token of the near future is left out: by now it may be valid.
    compared = [
        forgery
        for forgery in forgeries(factory)
        if forgery.refusal not in STRICTER_HERE | {Refusal.NOT_YET_VALID}
    ]

    for forgery in compared:
        with pytest.raises((jwt.PyJWTError, KeyError)):
            pytest.fail(f"{forgery.name}: {decode(factory, forgery.token)}")


def test_pyjwt_alone_would_not_be_enough(factory: TokenFactory) -> None:
    accepted: set[Refusal] = set()
    for forgery in forgeries(factory):
        try:
            decode(factory, forgery.token)
        except (jwt.PyJWTError, KeyError, UnicodeError):
            continue
        accepted.add(forgery.refusal)

    assert accepted == STRICTER_HERE
