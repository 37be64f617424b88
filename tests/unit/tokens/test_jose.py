"""The adapter verifies only with the key's own algorithm, and handles errors of python-jose."""

import pytest

from duet_common.testing.clock import FrozenClock
from duet_common.testing.tokens import TokenFactory
from tests.support.forged_tokens.forge import Forge

FACTORY = TokenFactory(FrozenClock())
FORGE = Forge(FACTORY)
REFUSED = {
    **{f"alg {alg}": FORGE.with_header({"alg": alg}) for alg in ("ES384", "HS256", "none", None)},
    "alg twice": FORGE.with_header_text('"alg":"ES384"'),
    "a deeply nested header": FORGE.with_header_text(f'"x":{"[" * 100_000}{"]" * 100_000}'),
    "empty": "",
    "only dots": "..",
    "lone surrogates": "\ud800.\ud800.\ud800",
}


def test_a_signature_of_the_key_is_verified() -> None:
    assert FACTORY.key_source().keys[FACTORY.key.kid].jose.verifies(FORGE.good)


@pytest.mark.parametrize("token", REFUSED.values(), ids=REFUSED.keys())
def test_another_algorithm_or_an_unreadable_token_is_not_verified(token: str) -> None:
    assert not FACTORY.key_source().keys[FACTORY.key.kid].jose.verifies(token)
