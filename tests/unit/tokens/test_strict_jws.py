"""`read_unverified` refuses malformed tokens, so that they never reach python-jose."""

import pytest

from duet_common.testing.clock import FrozenClock
from duet_common.testing.tokens import TokenFactory
from duet_common.tokens.errors import Refusal, TokenRefused
from duet_common.tokens.strict_jws import read_unverified
from tests.support.forged_tokens.catalogue import forgeries

MALFORMED = {
    Refusal.TOO_LARGE,
    Refusal.NOT_COMPACT,
    Refusal.BAD_ENCODING,
    Refusal.BAD_HEADER,
    Refusal.BAD_TYPE,
}


def test_a_malformed_token_is_refused() -> None:
    for forgery in forgeries(TokenFactory(FrozenClock())):
        if forgery.refusal in MALFORMED:
            with pytest.raises(TokenRefused) as refused:
                read_unverified(forgery.token)
            assert refused.value.reason == forgery.refusal, forgery.name


def test_a_well_formed_token_is_read_without_being_verified() -> None:
    factory = TokenFactory(FrozenClock())
    token = factory.access_token(permissions=["posts:read"])

    unverified = read_unverified(token)

    assert unverified.compact == token
    assert (unverified.alg, unverified.kid) == ("ES256", factory.key.kid)
    assert unverified.claims["scope"] == "posts:read"
