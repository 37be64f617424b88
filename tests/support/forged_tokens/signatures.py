"""Forgeries with a wrong key, algorithm or signature."""

import json
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from duet_common.tokens.signing import SigningKey, generate_private_key
from tests.support.forged_tokens.forge import (
    Forge,
    Signer,
    Tokens,
    base64url,
    compact_json,
    ecdsa,
    hs256,
    private_key,
    raw_ecdsa,
)

_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def unknown_key(forge: Forge) -> Tokens:
    pem = generate_private_key("ES256")
    unknown_kid = {"kid": SigningKey.from_pem(pem, "ES256").kid}
    return {
        "unknown kid, signed with its key": forge.with_header(unknown_kid, ecdsa(private_key(pem))),
        "unknown kid, signed with the published key": forge.with_header(unknown_kid),
        "the published kid in another case": forge.with_header({"kid": forge.kid.swapcase()}),
    }


def bad_algorithm(forge: Forge) -> Tokens:
    pem, der = forge.public_bytes(Encoding.PEM), forge.public_bytes(Encoding.DER)
    secrets = {
        "the public PEM": pem,
        "the public PEM, stripped": pem.strip(),
        "the public DER": der,
        "the JWK": json.dumps(forge.jwk).encode(),
        "the kid": forge.kid.encode(),
        "an empty key": b"",
    }
    names = ("RS256", "PS256", "ES256K", "ES384", "ES512", "EdDSA", "HS512", "dir", "es256")
    nones = ("none", "None", "NONE", "nOnE", "none ", "")
    p384 = ec.generate_private_key(ec.SECP384R1())
    return {
        **{
            f"HS256 keyed with {name}": forge.with_header({"alg": "HS256"}, hs256(secret))
            for name, secret in secrets.items()
        },
        **{
            f"alg {alg!r}, signed with the ES256 key": forge.with_header({"alg": alg})
            for alg in names
        },
        **{f"alg {alg!r}, with a signature": forge.with_header({"alg": alg}) for alg in nones},
        "ES384 with a P-384 key": forge.with_header({"alg": "ES384"}, ecdsa(p384, hashes.SHA384())),
    }


def bad_signature(forge: Forge) -> Tokens:
    header, claims, signature = forge.good.split(".")
    other_key = ec.generate_private_key(ec.SECP256R1())
    p384 = ec.generate_private_key(ec.SECP384R1())
    superuser = base64url(compact_json({**forge.claims, "scope": "*"}))
    other_signature = forge.with_claims(scope="").rpartition(".")[2]
    other_kid = base64url(compact_json({**forge.header, "kid": forge.next_kid}))
    constants = {
        "r and s zero": (0, 0),
        "r zero": (0, 1),
        "s zero": (1, 0),
        "r and s the order": (_P256_ORDER, _P256_ORDER),
        "r and s one": (1, 1),
        "r and s all ones": (2**256 - 1, 2**256 - 1),
    }
    return {
        "another key with the published kid": forge.jws(sign=ecdsa(other_key)),
        "the signing key with another published kid": forge.with_header({"kid": forge.next_kid}),
        "a P-384 signature with alg ES256": forge.jws(sign=ecdsa(p384)),
        "the signing key with SHA-512": forge.jws(sign=ecdsa(forge.private, hashes.SHA512())),
        "a tampered payload": f"{header}.{superuser}.{signature}",
        "a tampered kid": f"{other_kid}.{claims}.{signature}",
        "the signature of another token": f"{header}.{claims}.{other_signature}",
        "a signature of the payload only": forge.jws(
            sign=lambda data: forge.sign(data.split(b".")[1])
        ),
        "a DER signature": forge.with_signature(_to_der),
        "a signature without its last byte": forge.with_signature(lambda raw: raw[:-1]),
        "a signature without its second half": forge.with_signature(lambda raw: raw[:32]),
        "a signature with an additional byte": forge.with_signature(lambda raw: raw + b"\0"),
        "a repeated signature": forge.with_signature(lambda raw: raw + raw),
        "a signature with s before r": forge.with_signature(lambda raw: raw[32:] + raw[:32]),
        "a signature with r and s of 33 bytes": forge.with_signature(
            lambda raw: b"\0" + raw[:32] + b"\0" + raw[32:]
        ),
        "a signature of one byte": forge.with_signature(lambda _: b"\0"),
        **{
            f"a signature with {name}": forge.jws(sign=_constant(raw_ecdsa(r, s)))
            for name, (r, s) in constants.items()
        },
    }


def _constant(signature: bytes) -> Signer:
    return lambda _: signature


def _to_der(raw: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
