"""Signing keys never reveal private material and are loaded only from suitable private keys."""

import json
import pickle
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from duet_common.testing.clock import FrozenClock
from duet_common.testing.tokens import TokenFactory
from duet_common.tokens.errors import InvalidKey
from duet_common.tokens.jose import ALGORITHMS, Algorithm
from duet_common.tokens.keys import verification_key
from duet_common.tokens.signing import SigningKey, generate_private_key
from duet_common.tokens.verifier import TokenVerifier
from tests.support.forged_tokens.forge import base64url_bytes

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def pem(key: PrivateKey, password: bytes | None = None) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption(),
    )


def public_pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@pytest.fixture(scope="module")
def pems() -> dict[Algorithm, bytes]:
    return {algorithm: generate_private_key(algorithm) for algorithm in ALGORITHMS}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_loading_the_same_pem_twice_gives_the_same_key(
    pems: dict[Algorithm, bytes], algorithm: Algorithm
) -> None:
    first, second = (SigningKey.from_pem(pems[algorithm], algorithm) for _ in range(2))

    assert first.algorithm == algorithm
    assert (first.kid, first.public_jwk) == (second.kid, second.public_jwk)
    assert verification_key(first.public_jwk).kid == first.kid


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_repr_and_public_jwk_contain_no_private_key_and_pickling_fails(
    pems: dict[Algorithm, bytes], algorithm: Algorithm
) -> None:
    key = SigningKey.from_pem(pems[algorithm], algorithm)

    assert repr(key) == str(key) == f"SigningKey(kid={key.kid!r})"
    assert set(key.public_jwk.model_dump()).isdisjoint({"d", "p", "q", "dp", "dq", "qi", "oth"})
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_a_generated_rsa_key_has_3072_bits(pems: dict[Algorithm, bytes]) -> None:
    key = serialization.load_pem_private_key(pems["RS256"], password=None)

    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 3072


def test_each_generated_key_is_different() -> None:
    assert generate_private_key("ES256") != generate_private_key("ES256")


async def test_token_times_are_whole_seconds_and_scopes_are_sorted() -> None:
    clock = FrozenClock()
    clock.advance(timedelta(milliseconds=1_700))
    factory = TokenFactory(clock)
    verifier = TokenVerifier(factory.key_source(), factory.policy, clock)

    token = factory.access_token(permissions={"users:read", "posts:read", "posts:moderate"})

    claims = json.loads(base64url_bytes(token.split(".")[1]))
    assert claims["scope"] == "posts:moderate posts:read users:read"
    assert claims["iat"] == claims["nbf"] == int(clock().timestamp())
    assert (await verifier.verify(token)).expires_at == claims["iat"] + 600


UNUSABLE: dict[str, tuple[Callable[[], bytes], Algorithm]] = {
    "empty": (lambda: b"", "ES256"),
    "not a PEM": (lambda: b"not a key", "ES256"),
    "bytes that are not text": (lambda: b"\xff\xfe\x00", "RS256"),
    "an empty PEM": (
        lambda: b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "ES256",
    ),
    "a PEM of garbage": (
        lambda: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "RS256",
    ),
    "a truncated PEM": (lambda: generate_private_key("ES256")[:120], "ES256"),
    "a PEM after text that is not ASCII": (
        lambda: b"\xc3\xa9\n" + generate_private_key("ES256"),
        "ES256",
    ),
    "an encrypted key": (lambda: pem(ec.generate_private_key(ec.SECP256R1()), b"x"), "ES256"),
    "a public key": (lambda: public_pem(ec.generate_private_key(ec.SECP256R1())), "ES256"),
    "a public RSA key": (lambda: public_pem(rsa.generate_private_key(65537, 2048)), "RS256"),
    "another curve": (lambda: pem(ec.generate_private_key(ec.SECP384R1())), "ES256"),
    "the curve secp256k1": (lambda: pem(ec.generate_private_key(ec.SECP256K1())), "ES256"),
    "an Ed25519 key": (lambda: pem(ed25519.Ed25519PrivateKey.generate()), "ES256"),
    "an EC key for RS256": (lambda: generate_private_key("ES256"), "RS256"),
    "an RSA key for ES256": (lambda: pem(rsa.generate_private_key(65537, 2048)), "ES256"),
    "an RSA key of 1024 bits": (
        lambda: pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - it must be refused
        "RS256",
    ),
}


@pytest.mark.parametrize(("make", "algorithm"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_bytes_that_are_not_a_private_key_for_the_algorithm_are_refused(
    make: Callable[[], bytes], algorithm: Algorithm
) -> None:
    with pytest.raises(InvalidKey):
        SigningKey.from_pem(make(), algorithm)


@pytest.mark.parametrize("permission", ["x *", "", "a\tb", 'quo"te', "ümlaut"])
def test_a_permission_that_is_not_a_scope_token_is_not_signed(permission: str) -> None:
    with pytest.raises(ValueError, match="scope token"):
        TokenFactory().access_token(permissions=[permission])
