"""A verifier accepts only unexpired tokens that auth has signed for the service."""

import uuid
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from duet_common.settings import ServiceSettings
from duet_common.testing.clock import FrozenClock
from duet_common.testing.tokens import StaticKeySource, TokenFactory
from duet_common.tokens import verifier as verifier_module
from duet_common.tokens.errors import Refusal, TokenRefused
from duet_common.tokens.keys import VerificationKey
from duet_common.tokens.strict_jws import MAX_TOKEN_LENGTH
from duet_common.tokens.verifier import TokenVerifier
from tests.support.forged_tokens.catalogue import Forgery, forgeries
from tests.support.forged_tokens.forge import Forge

FACTORY = TokenFactory(FrozenClock())
FORGERIES = forgeries(FACTORY)
SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def factory(clock: FrozenClock) -> TokenFactory:
    return TokenFactory(clock)


@pytest.fixture
def keys(factory: TokenFactory) -> StaticKeySource:
    return factory.key_source()


@pytest.fixture
def verifier(factory: TokenFactory, keys: StaticKeySource) -> TokenVerifier:
    return TokenVerifier(keys, factory.policy, factory.clock)


async def refusal(verifier: TokenVerifier, token: str) -> Refusal:
    with pytest.raises(TokenRefused) as refused:
        await verifier.verify(token)
    return refused.value.reason


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
async def test_a_forgery_is_refused_for_the_expected_reason_each_time(forgery: Forgery) -> None:
    verifier = TokenVerifier(FACTORY.key_source(), FACTORY.policy, FACTORY.clock)

    reasons = [await refusal(verifier, forgery.token) for _ in range(2)]

    assert reasons == [forgery.refusal, forgery.refusal]


def test_the_forgeries_cover_every_refusal_without_duplicates() -> None:
    assert {forgery.refusal for forgery in FORGERIES} == set(Refusal)
    assert max(Counter(forgery.name for forgery in FORGERIES).values()) == 1
    assert max(Counter(forgery.token for forgery in FORGERIES).values()) == 1


async def test_a_valid_token_identifies_the_user_the_session_and_the_permissions(
    factory: TokenFactory, verifier: TokenVerifier
) -> None:
    user_id, session_id = uuid.UUID(int=1), uuid.UUID(int=2)

    claims = await verifier.verify(
        factory.access_token(user_id, session_id, ["posts:moderate", "users:read"])
    )

    assert (claims.user_id, claims.session_id) == (user_id, session_id)
    assert claims.has_permission("users:read")
    assert not claims.has_permission("users:write")
    assert claims.expires_at - claims.issued_at == 600
    assert claims.issued_at == factory.clock().timestamp()


async def test_a_superuser_has_every_permission(
    factory: TokenFactory, verifier: TokenVerifier
) -> None:
    claims = await verifier.verify(factory.access_token(permissions=["*"]))

    assert claims.has_permission("users:write")


async def test_a_token_with_one_changed_or_missing_character_is_refused(
    factory: TokenFactory, verifier: TokenVerifier
) -> None:
    token = factory.access_token(permissions=["posts:read"])
    await verifier.verify(token)

    for index, character in enumerate(token):
        other = "B" if character == "A" else "A"
        await refusal(verifier, f"{token[:index]}{other}{token[index + 1 :]}")
        await refusal(verifier, token[:index] + token[index + 1 :])


async def test_a_token_of_the_maximum_size_is_accepted_and_a_larger_one_is_refused(
    factory: TokenFactory, verifier: TokenVerifier
) -> None:
    forge = Forge(factory)
    room = MAX_TOKEN_LENGTH - len(forge.with_claims(scope=""))
    token = forge.with_claims(scope="x" * (room * 3 // 4))

    assert len(token) == MAX_TOKEN_LENGTH
    await verifier.verify(token)
    assert await refusal(verifier, forge.with_claims(scope="x" * (room * 3 // 4 + 1))) == (
        Refusal.TOO_LARGE
    )


@pytest.mark.parametrize("remembered", [True, False])
async def test_a_token_expires_exactly_at_exp(
    factory: TokenFactory, verifier: TokenVerifier, clock: FrozenClock, remembered: bool
) -> None:
    token = factory.access_token()
    if remembered:
        await verifier.verify(token)

    clock.advance(timedelta(minutes=10) - timedelta(microseconds=1))
    if remembered:
        await verifier.verify(token)
    clock.advance(timedelta(microseconds=1))

    assert await refusal(verifier, token) == Refusal.EXPIRED
    assert await refusal(verifier, token) == Refusal.EXPIRED


async def test_a_token_first_seen_a_second_before_exp_is_accepted(
    factory: TokenFactory, verifier: TokenVerifier, clock: FrozenClock
) -> None:
    token = factory.access_token()
    clock.advance(timedelta(minutes=10) - SECOND)

    await verifier.verify(token)


async def test_a_token_that_expires_while_its_key_is_fetched_is_refused(
    factory: TokenFactory, clock: FrozenClock
) -> None:
    class SlowOrigin(StaticKeySource):
        async def find(self, kid: str) -> VerificationKey | None:
            clock.advance(timedelta(seconds=3))
            return await super().find(kid)

    verifier = TokenVerifier(SlowOrigin(factory.key_source().keys), factory.policy, clock)

    assert await refusal(verifier, factory.access_token(lifetime=2 * SECOND)) == Refusal.EXPIRED


@pytest.mark.parametrize("claim", ["iat", "nbf"])
async def test_a_time_in_the_future_is_accepted_only_within_the_leeway(
    factory: TokenFactory, verifier: TokenVerifier, claim: str
) -> None:
    forge = Forge(factory)

    await verifier.verify(forge.with_claims(**{claim: forge.now + 5}))
    assert await refusal(verifier, forge.with_claims(**{claim: forge.now + 6})) == (
        Refusal.NOT_YET_VALID
    )


async def test_a_token_with_more_than_the_maximum_lifetime_is_refused(
    factory: TokenFactory, verifier: TokenVerifier
) -> None:
    hour = timedelta(hours=1)

    await verifier.verify(factory.access_token(lifetime=hour))
    assert await refusal(verifier, factory.access_token(lifetime=hour + SECOND)) == (
        Refusal.TOO_LONG_LIVED
    )


async def test_the_signature_of_a_remembered_token_is_not_verified_again(
    factory: TokenFactory,
    verifier: TokenVerifier,
    keys: StaticKeySource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = factory.access_token()
    first = await verifier.verify(token)
    monkeypatch.setattr(
        type(keys.keys[factory.key.kid].jose), "verifies", lambda *_: pytest.fail("verified twice")
    )

    assert await verifier.verify(token) is first


async def test_a_remembered_token_is_refused_while_its_key_is_missing(
    factory: TokenFactory, verifier: TokenVerifier, keys: StaticKeySource
) -> None:
    token = factory.access_token()
    await verifier.verify(token)

    retired = keys.keys.pop(factory.key.kid)
    assert await refusal(verifier, token) == Refusal.UNKNOWN_KEY

    keys.keys[retired.kid] = retired
    await verifier.verify(token)


async def test_the_cache_is_bounded_and_evicts_the_oldest_token_first(
    factory: TokenFactory, verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier_module, "_REMEMBERED", 3)
    tokens = [factory.access_token() for _ in range(5)]
    claims = [await verifier.verify(token) for token in tokens]

    assert len(verifier._remembered) == 3
    assert [await verifier.verify(token) for token in tokens[2:]] == claims[2:]
    assert [entry[1] for entry in verifier._remembered.values()] == claims[2:]
    assert await verifier.verify(tokens[0]) == claims[0]
    assert len(verifier._remembered) == 3


async def test_a_refused_token_is_not_remembered(verifier: TokenVerifier) -> None:
    for forgery in FORGERIES:
        with pytest.raises(TokenRefused):
            await verifier.verify(forgery.token)

    assert not verifier._remembered


async def test_the_signature_of_a_token_is_not_kept(
    factory: TokenFactory, verifier: TokenVerifier
) -> None:
    token = factory.access_token()
    await verifier.verify(token)

    assert token.rpartition(".")[2] not in repr(vars(verifier))


async def test_a_verifier_with_another_audience_refuses_the_token(
    factory: TokenFactory, keys: StaticKeySource
) -> None:
    other_policy = replace(factory.policy, audience="other")

    assert await refusal(
        TokenVerifier(keys, other_policy, factory.clock), factory.access_token()
    ) == (Refusal.BAD_AUDIENCE)


def test_the_token_factory_uses_the_default_issuer_and_audience() -> None:
    expected = {name: field.default for name, field in ServiceSettings.model_fields.items()}

    assert FACTORY.policy.issuer == expected["token_issuer"]
    assert FACTORY.policy.audience == expected["token_audience"]
