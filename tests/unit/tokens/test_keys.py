"""Only valid public signature keys of a JWK Set are accepted, each under its own thumbprint."""

import json
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from duet_common.testing.tokens import TokenFactory
from duet_common.tokens.errors import InvalidKey
from duet_common.tokens.keys import (
    Jwks,
    parse_jwk,
    parse_jwks,
    thumbprint,
    verification_key,
)

Members = dict[str, Any]

RFC_7638_KEY: Final = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
    "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2"
    "QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6"
    "WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
RFC_7638_THUMBPRINT: Final = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def ec_members(curve: ec.EllipticCurve | None = None) -> Members:
    key = ec.generate_private_key(curve or ec.SECP256R1())
    return identified(ECAlgorithm.to_jwk(key.public_key(), as_dict=True))


def rsa_members(bits: int) -> Members:
    key = rsa.generate_private_key(65537, bits)
    members = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    members.pop("key_ops", None)
    return identified(members)


def identified(members: Members) -> Members:
    return {**members, "kid": thumbprint(members)}


def document(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_the_thumbprint_of_the_rfc_7638_example_is_correct() -> None:
    assert thumbprint(RFC_7638_KEY) == RFC_7638_THUMBPRINT


def test_the_rfc_7638_example_key_is_accepted_under_its_thumbprint() -> None:
    members = {**RFC_7638_KEY, "kid": RFC_7638_THUMBPRINT}

    (key,) = parse_jwks(document(members)).values()

    assert (key.kid, key.algorithm) == (RFC_7638_THUMBPRINT, "RS256")


def test_the_jwk_set_that_auth_publishes_is_parsed_without_loss() -> None:
    factory = TokenFactory()

    keyset = parse_jwks(factory.jwks())

    assert list(keyset) == [factory.key.kid, factory.next_key.kid]
    published = Jwks(keys=[key.jwk for key in keyset.values()])
    assert published.model_dump_json().encode() == factory.jwks()


@pytest.mark.parametrize("members", [ec_members(), rsa_members(2048)], ids=["EC", "RSA"])
def test_a_minimal_key_and_a_key_with_unknown_members_are_accepted(members: Members) -> None:
    for more in ({}, {"use": "sig"}, {"x5t": "x", "key_ops": ["verify"], "nbf": [1, {}]}):
        assert list(parse_jwks(document({**members, **more}))) == [members["kid"]]


def off_the_curve() -> Members:
    members = ec_members()
    return identified({**members, "y": members["x"]})


UNUSABLE: Final[dict[str, Members]] = {
    "P-384": ec_members(ec.SECP384R1()),
    "secp256k1": ec_members(ec.SECP256K1()),
    "a P-384 point called P-256": identified({**ec_members(ec.SECP384R1()), "crv": "P-256"}),
    "a point off the curve": off_the_curve(),
    "a point at zero": identified({**ec_members(), "x": "A" * 43, "y": "A" * 43}),
    "no y": {key: value for key, value in ec_members().items() if key != "y"},
    "an empty x": identified({**ec_members(), "x": ""}),
    "an x that is not base64url": identified({**ec_members(), "x": "\u00e9\u00e9"}),
    "a number as x": {**ec_members(), "x": 1},
    "an x with a lone surrogate": {**ec_members(), "x": "\ud800"},
    "for encryption": {**ec_members(), "use": "enc"},
    "null as use": {**ec_members(), "use": None},
    "another EC algorithm": {**ec_members(), "alg": "ES384"},
    "an RSA algorithm for an EC key": {**ec_members(), "alg": "RS256"},
    "HS256 for an EC key": {**ec_members(), "alg": "HS256"},
    "a kid that is not the thumbprint": {**ec_members(), "kid": "2011-04-29"},
    "the kid of another key": {**ec_members(), "kid": ec_members()["kid"]},
    "a padded kid": {**(padded := ec_members()), "kid": padded["kid"] + "="},
    "no kid": {key: value for key, value in ec_members().items() if key != "kid"},
    "a number as kid": {**ec_members(), "kid": 1},
    "an overlong kid": {**ec_members(), "kid": "x" * 129},
    "RSA of 1024 bits": rsa_members(1024),
    "RSA of 2040 bits with leading zeros": identified(
        {"kty": "RSA", "e": "AQAB", "n": "AAAA" + "_" * 340}
    ),
    "RSA of 2047 bits": identified({**RFC_7638_KEY, "n": "f" + RFC_7638_KEY["n"][1:]}),
    "RSA with a modulus that is not base64url": identified({**RFC_7638_KEY, "n": "A"}),
    "RSA with exponent 1": identified({**RFC_7638_KEY, "e": "AQ"}),
    "RSA with an even exponent": identified({**RFC_7638_KEY, "e": "AA"}),
    "RSA with an overlong modulus": identified({**RFC_7638_KEY, "n": "_" * 2049}),
    "RS512": {**identified(RFC_7638_KEY), "alg": "RS512"},
    "Ed25519": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "kid": "A" * 43},
    "kty in lower case": {**ec_members(), "kty": "ec"},
    "a list as kty": {**ec_members(), "kty": ["EC"]},
    "no kty": {"kid": "x"},
    "an empty object": {},
}


@pytest.mark.parametrize("members", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_key_is_skipped_and_the_others_are_kept(members: Members) -> None:
    good = ec_members()

    assert list(parse_jwks(document(members, good, members))) == [good["kid"]]


@pytest.mark.parametrize("entry", [None, 1, "x", [], [[]], True])
def test_an_entry_that_is_not_an_object_is_skipped(entry: object) -> None:
    assert parse_jwks(document(entry)) == {}


PRIVATE: Final[dict[str, Members]] = {
    "an EC key": ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True),
    "an RSA key": RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048), as_dict=True),
    "a secret": {"kty": "oct", "k": "c2VjcmV0"},
    "only a prime": {**RFC_7638_KEY, "p": "AQAB"},
    "an unusable key": {**ec_members(ec.SECP384R1()), "d": "AQAB"},
    "null as d": {**ec_members(), "d": None},
}


@pytest.mark.parametrize("members", PRIVATE.values(), ids=PRIVATE.keys())
def test_a_document_with_a_private_key_is_refused(members: Members) -> None:
    with pytest.raises(InvalidKey, match="private"):
        parse_jwks(document(ec_members(), members))


MALFORMED: Final = {
    "empty": b"",
    "HTML": b"<!doctype html><title>502</title>",
    "an array": b"[]",
    "a string": b'"keys"',
    "a number": b"1",
    "null": b"null",
    "an empty object": b"{}",
    "null as keys": b'{"keys":null}',
    "an object as keys": b'{"keys":{"a":{}}}',
    "a string as keys": b'{"keys":"EC"}',
    "truncated": document(ec_members())[:-3],
    "invalid UTF-8": b'{"keys":["\xff"]}',
    "only a UTF-16 byte order mark": b"\xff\xfe",
    "NUL bytes": b"\0" * 64,
    "deeply nested arrays": b'{"keys":' + b"[" * 100_000,
    "deeply nested objects": b'{"keys":' * 100_000,
    "an integer of 5,000 digits": b'{"keys":[' + b"9" * 5000 + b"]}",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_document_that_is_not_a_jwk_set_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidKey):
        parse_jwks(data)


def test_an_empty_jwk_set_is_accepted() -> None:
    assert parse_jwks(b'{"keys":[]}') == {}


def test_a_single_unusable_key_is_refused() -> None:
    with pytest.raises(InvalidKey):
        parse_jwk({**ec_members(), "crv": "P-384"})
    with pytest.raises(InvalidKey):
        verification_key(parse_jwk({**ec_members(), "kid": "another"}))
