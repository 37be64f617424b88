"""Tools that make bad tokens, of `cryptography` and hand-made base64.

A forgery made by python-jose would only be as bad as python-jose can make it.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from duet_common.testing.tokens import TokenFactory
from duet_common.tokens.strict_json import JsonValue

Signer = Callable[[bytes], bytes]
Tokens = dict[str, str]
"""Tokens by the name of what is wrong with them."""


class Forge:
    """A good token of an ES256 factory, taken apart, and ways to put it together wrongly."""

    def __init__(self, factory: TokenFactory) -> None:
        self.good = factory.access_token(permissions=["posts:read"])
        header, claims, _ = self.good.split(".")
        self.header: dict[str, JsonValue] = json.loads(base64url_bytes(header))
        self.claims: dict[str, JsonValue] = json.loads(base64url_bytes(claims))
        self.now = int(factory.clock().timestamp())
        self.kid, self.next_kid = factory.key.kid, factory.next_key.kid
        self.jwk = factory.key.public_jwk.model_dump()
        self.private = private_key(factory.private_pem)
        self.sign = ecdsa(self.private)

    def public_bytes(self, encoding: serialization.Encoding) -> bytes:
        return self.private.public_key().public_bytes(
            encoding, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def jws(
        self,
        *,
        header: bytes | None = None,
        payload: bytes | None = None,
        sign: Signer | None = None,
        encode: Callable[[bytes], str] | None = None,
    ) -> str:
        """A compact JWS; what is not given is good."""
        encode = encode or base64url
        header = compact_json(self.header) if header is None else header
        payload = compact_json(self.claims) if payload is None else payload
        signing_input = f"{encode(header)}.{encode(payload)}"
        return f"{signing_input}.{encode((sign or self.sign)(signing_input.encode()))}"

    def with_header(
        self, members: Mapping[str, JsonValue] | None = None, sign: Signer | None = None
    ) -> str:
        return self.jws(header=compact_json({**self.header, **(members or {})}), sign=sign)

    def with_claims(self, **claims: JsonValue) -> str:
        return self.jws(payload=compact_json({**self.claims, **claims}))

    def with_claims_text(self, text: str) -> str:
        """The claims with JSON text added at their end, for what `json.dumps` cannot write."""
        return self.jws(payload=compact_json(self.claims)[:-1] + f",{text}}}".encode())

    def with_header_text(self, text: str) -> str:
        return self.jws(header=compact_json(self.header)[:-1] + f",{text}}}".encode())

    def with_signature(self, change: Callable[[bytes], bytes]) -> str:
        return self.jws(sign=lambda data: change(self.sign(data)))


def private_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("only ES256 tokens can be forged")
    return key


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def base64url_bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact_json(value: JsonValue) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("utf-8")


def without(members: Mapping[str, JsonValue], name: str) -> bytes:
    """The JSON of an object that lacks one of its members."""
    return compact_json({key: value for key, value in members.items() if key != name})


def raw_ecdsa(r: int, s: int, size: int = 32) -> bytes:
    """An ECDSA signature as JWS writes it (RFC 7518, section 3.4)."""
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def ecdsa(key: ec.EllipticCurvePrivateKey, digest: hashes.HashAlgorithm | None = None) -> Signer:
    """SHA-256 unless another digest is given."""

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest or hashes.SHA256())))
        return raw_ecdsa(r, s, (key.key_size + 7) // 8)

    return sign


def hs256(secret: bytes) -> Signer:
    return lambda data: hmac.digest(secret, data, hashlib.sha256)


def next_spelling(token: str) -> str:
    """The last character raised by one: bits that a lenient decoder drops."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]
