"""Build invalid tokens with `cryptography` and our own base64 and JSON.

python-jose is not used, because it cannot produce many of these flaws.
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
"""Tokens by the name of their flaw."""


class Forge:
    """The parts of a valid token of an ES256 factory, and methods that build tokens with a flaw."""

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
        """Return a compact JWS; parts that are not given are those of the valid token."""
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
        """Append JSON text to the claims, for what `json.dumps` cannot write."""
        return self.jws(payload=compact_json(self.claims)[:-1] + f",{text}}}".encode())

    def with_header_text(self, text: str) -> str:
        """Append JSON text to the header, for what `json.dumps` cannot write."""
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
    """Return the JSON of an object without one of its members."""
    return compact_json({key: value for key, value in members.items() if key != name})


def raw_ecdsa(r: int, s: int, size: int = 32) -> bytes:
    """Return an ECDSA signature in the JWS encoding (RFC 7518, section 3.4)."""
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def ecdsa(key: ec.EllipticCurvePrivateKey, digest: hashes.HashAlgorithm | None = None) -> Signer:
    """Return a signer that uses ECDSA, with SHA-256 unless another digest is given."""

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest or hashes.SHA256())))
        return raw_ecdsa(r, s, (key.key_size + 7) // 8)

    return sign


def hs256(secret: bytes) -> Signer:
    return lambda data: hmac.digest(secret, data, hashlib.sha256)


def next_spelling(token: str) -> str:
    """Replace the last character by the next of the alphabet.

    This sets unused bits, which a lenient decoder ignores.
    """
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]
