"""The guard alone keeps malformed tokens from python-jose, whoever calls it."""

import pytest

from duet_common.testing.clock import FrozenClock
from duet_common.testing.tokens import TokenFactory
from duet_common.tokens.errors import Refusal, TokenRefused
from duet_common.tokens.strict_jws import read_unverified
from tests.support.forged_tokens.catalogue import forgeries

FORM = {
    Refusal.TOO_LARGE,
    Refusal.NOT_COMPACT,
    Refusal.BAD_ENCODING,
    Refusal.BAD_HEADER,
    Refusal.BAD_TYPE,
}


def test_what_is_malformed_does_not_pass_the_guard() -> None:
    for forgery in forgeries(TokenFactory(FrozenClock())):
        if forgery.refusal in FORM:
            with pytest.raises(TokenRefused) as refused:
                read_unverified(forgery.token)
            assert refused.value.reason == forgery.refusal, forgery.name


def test_what_is_well_formed_is_read_without_being_believed() -> None:
    factory = TokenFactory(FrozenClock())
    token = factory.access_token(permissions=["posts:read"])

    unverified = read_unverified(token)

    assert unverified.compact == token
    assert (unverified.alg, unverified.kid) == ("ES256", factory.key.kid)
    assert unverified.claims["scope"] == "posts:read"
