"""Of a JWK Set, only sound public signature keys are taken, each under its own thumbprint."""

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


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    assert thumbprint(RFC_7638_KEY) == RFC_7638_THUMBPRINT


def test_the_key_of_rfc_7638_is_taken_under_its_thumbprint() -> None:
    members = {**RFC_7638_KEY, "kid": RFC_7638_THUMBPRINT}

    (key,) = parse_jwks(document(members)).values()

    assert (key.kid, key.algorithm) == (RFC_7638_THUMBPRINT, "RS256")


def test_what_auth_publishes_is_read_back() -> None:
    factory = TokenFactory()

    keyset = parse_jwks(factory.jwks())

    assert list(keyset) == [factory.key.kid, factory.next_key.kid]
    published = Jwks(keys=[key.jwk for key in keyset.values()])
    assert published.model_dump_json().encode() == factory.jwks()


@pytest.mark.parametrize("members", [ec_members(), rsa_members(2048)], ids=["EC", "RSA"])
def test_a_minimal_key_and_one_with_unknown_members_are_taken(members: Members) -> None:
    for more in ({}, {"use": "sig"}, {"x5t": "x", "key_ops": ["verify"], "nbf": [1, {}]}):
        assert list(parse_jwks(document({**members, **more}))) == [members["kid"]]


def off_the_curve() -> Members:
    members = ec_members()
    return identified({**members, "y": members["x"]})


PASSED_OVER: Final[dict[str, Members]] = {
    "P-384": ec_members(ec.SECP384R1()),
    "secp256k1": ec_members(ec.SECP256K1()),
    "a P-384 point called P-256": identified({**ec_members(ec.SECP384R1()), "crv": "P-256"}),
    "a point off the curve": off_the_curve(),
    "a point at zero": identified({**ec_members(), "x": "A" * 43, "y": "A" * 43}),
    "no y": {key: value for key, value in ec_members().items() if key != "y"},
    "x empty": identified({**ec_members(), "x": ""}),
    "x no base64url": identified({**ec_members(), "x": "\u00e9\u00e9"}),
    "x a number": {**ec_members(), "x": 1},
    "x with a lone surrogate": {**ec_members(), "x": "\ud800"},
    "for encryption": {**ec_members(), "use": "enc"},
    "use null": {**ec_members(), "use": None},
    "another alg of its kind": {**ec_members(), "alg": "ES384"},
    "an alg of another kind": {**ec_members(), "alg": "RS256"},
    "HS256 over an EC key": {**ec_members(), "alg": "HS256"},
    "a kid that is not the thumbprint": {**ec_members(), "kid": "2011-04-29"},
    "the kid of another key": {**ec_members(), "kid": ec_members()["kid"]},
    "the kid padded": {**(padded := ec_members()), "kid": padded["kid"] + "="},
    "no kid": {key: value for key, value in ec_members().items() if key != "kid"},
    "kid a number": {**ec_members(), "kid": 1},
    "kid overlong": {**ec_members(), "kid": "x" * 129},
    "RSA of 1024 bits": rsa_members(1024),
    "RSA of 2040 bits, led by zeros": identified(
        {"kty": "RSA", "e": "AQAB", "n": "AAAA" + "_" * 340}
    ),
    "RSA of 2047 bits": identified({**RFC_7638_KEY, "n": "f" + RFC_7638_KEY["n"][1:]}),
    "RSA with a modulus that is no base64url": identified({**RFC_7638_KEY, "n": "A"}),
    "RSA with the exponent one": identified({**RFC_7638_KEY, "e": "AQ"}),
    "RSA with an even exponent": identified({**RFC_7638_KEY, "e": "AA"}),
    "RSA overlong": identified({**RFC_7638_KEY, "n": "_" * 2049}),
    "RS512": {**identified(RFC_7638_KEY), "alg": "RS512"},
    "Ed25519": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "kid": "A" * 43},
    "kty in lower case": {**ec_members(), "kty": "ec"},
    "kty a list": {**ec_members(), "kty": ["EC"]},
    "no kty": {"kid": "x"},
    "nothing": {},
}


@pytest.mark.parametrize("members", PASSED_OVER.values(), ids=PASSED_OVER.keys())
def test_a_key_that_cannot_be_used_is_passed_over_and_the_others_are_kept(members: Members) -> None:
    good = ec_members()

    assert list(parse_jwks(document(members, good, members))) == [good["kid"]]


@pytest.mark.parametrize("entry", [None, 1, "x", [], [[]], True])
def test_an_entry_that_is_no_object_is_passed_over(entry: object) -> None:
    assert parse_jwks(document(entry)) == {}


PRIVATE: Final[dict[str, Members]] = {
    "an EC key": ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True),
    "an RSA key": RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048), as_dict=True),
    "a secret": {"kty": "oct", "k": "c2VjcmV0"},
    "a prime only": {**RFC_7638_KEY, "p": "AQAB"},
    "a key that is passed over": {**ec_members(ec.SECP384R1()), "d": "AQAB"},
    "d null": {**ec_members(), "d": None},
}


@pytest.mark.parametrize("members", PRIVATE.values(), ids=PRIVATE.keys())
def test_a_document_with_a_private_key_is_refused(members: Members) -> None:
    with pytest.raises(InvalidKey, match="private"):
        parse_jwks(document(ec_members(), members))


MALFORMED: Final = {
    "nothing": b"",
    "HTML": b"<!doctype html><title>502</title>",
    "an array": b"[]",
    "a string": b'"keys"',
    "a number": b"1",
    "null": b"null",
    "an empty object": b"{}",
    "keys null": b'{"keys":null}',
    "keys an object": b'{"keys":{"a":{}}}',
    "keys a string": b'{"keys":"EC"}',
    "cut off": document(ec_members())[:-3],
    "invalid UTF-8": b'{"keys":["\xff"]}',
    "a UTF-16 mark and no more": b"\xff\xfe",
    "NUL bytes": b"\0" * 64,
    "arrays nested deeply": b'{"keys":' + b"[" * 100_000,
    "objects nested deeply": b'{"keys":' * 100_000,
    "an integer of 5,000 digits": b'{"keys":[' + b"9" * 5000 + b"]}",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_document_that_is_no_jwk_set_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidKey):
        parse_jwks(data)


def test_an_empty_set_is_a_set() -> None:
    assert parse_jwks(b'{"keys":[]}') == {}


def test_a_single_key_is_refused_by_the_same_rules() -> None:
    with pytest.raises(InvalidKey):
        parse_jwk({**ec_members(), "crv": "P-384"})
    with pytest.raises(InvalidKey):
        verification_key(parse_jwk({**ec_members(), "kid": "another"}))
