"""A verifier with an RS256 key keeps the same promises as with an ES256 key."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from duet_common.testing.clock import FrozenClock
from duet_common.testing.tokens import TokenFactory
from duet_common.tokens.errors import Refusal, TokenRefused
from duet_common.tokens.verifier import TokenVerifier
from tests.support.forged_tokens.forge import (
    Signer,
    base64url,
    base64url_bytes,
    compact_json,
    ecdsa,
    hs256,
)


@pytest.fixture(scope="module")
def factory() -> TokenFactory:
    return TokenFactory(FrozenClock(), algorithm="RS256")


@pytest.fixture(scope="module")
def private(factory: TokenFactory) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(factory.private_pem, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@pytest.fixture
def verifier(factory: TokenFactory) -> TokenVerifier:
    return TokenVerifier(factory.key_source(), factory.policy, factory.clock)


def signed_again(token: str, alg: str, sign: Signer) -> str:
    header, claims, _ = token.split(".")
    members = json.loads(base64url_bytes(header)) | {"alg": alg}
    signing_input = f"{base64url(compact_json(members))}.{claims}"
    return f"{signing_input}.{base64url(sign(signing_input.encode()))}"


def pkcs1(key: rsa.RSAPrivateKey, digest: hashes.HashAlgorithm) -> Signer:
    return lambda data: key.sign(data, padding.PKCS1v15(), digest)


def pss(key: rsa.RSAPrivateKey) -> Signer:
    return lambda data: key.sign(
        data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()
    )


async def test_an_rs256_token_is_accepted(factory: TokenFactory, verifier: TokenVerifier) -> None:
    token = factory.access_token(permissions=["posts:read"])

    assert (await verifier.verify(token)).permissions == {"posts:read"}
    assert jwt.get_unverified_header(token)["alg"] == "RS256"


async def test_the_key_and_not_the_token_determines_the_algorithm(
    factory: TokenFactory, verifier: TokenVerifier, private: rsa.RSAPrivateKey
) -> None:
    pem, der = (
        private.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER)
    )
    es256 = ecdsa(ec.generate_private_key(ec.SECP256R1()))
    forged: list[tuple[str, Signer, Refusal]] = [
        ("HS256", hs256(pem), Refusal.BAD_ALGORITHM),
        ("HS256", hs256(der), Refusal.BAD_ALGORITHM),
        ("none", hs256(b""), Refusal.BAD_ALGORITHM),
        ("ES256", es256, Refusal.BAD_ALGORITHM),
        ("PS256", pss(private), Refusal.BAD_ALGORITHM),
        ("RS512", pkcs1(private, hashes.SHA512()), Refusal.BAD_ALGORITHM),
        ("RS256", pkcs1(private, hashes.SHA512()), Refusal.BAD_SIGNATURE),
        ("RS256", pss(private), Refusal.BAD_SIGNATURE),
        ("RS256", es256, Refusal.BAD_SIGNATURE),
        ("RS256", hs256(pem), Refusal.BAD_SIGNATURE),
        ("RS256", lambda _: bytes(384), Refusal.BAD_SIGNATURE),
    ]
    for alg, sign, reason in forged:
        with pytest.raises(TokenRefused) as refused:
            await verifier.verify(signed_again(factory.access_token(), alg, sign))
        assert refused.value.reason == reason, alg
