"""Signing of access tokens. An import contract keeps it from content: only auth can sign."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from duet_common.tokens.claims import TOKEN_TYPE, make_scope
from duet_common.tokens.errors import InvalidKey
from duet_common.tokens.jose import Algorithm, JoseKey
from duet_common.tokens.keys import EcJwk, RsaJwk, parse_jwk, thumbprint, verification_key

_RSA_BITS: Final = 3072


def generate_private_key(algorithm: Algorithm) -> bytes:
    """Return a new private key as unencrypted PKCS #8 PEM: P-256 (ES256) or RSA 3072 (RS256)."""
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    )
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, constructed once. Its `repr` shows only the `kid`."""

    kid: str
    public_jwk: EcJwk | RsaJwk
    _jose: JoseKey

    @classmethod
    def from_pem(cls, pem: bytes, algorithm: Algorithm) -> "SigningKey":
        """Raises `InvalidKey` if the PEM is not a private key for the algorithm."""
        try:
            # python-jose accepts a public key, or one of another type, and fails later.
            private = serialization.load_pem_private_key(pem, password=None)
            text = pem.decode("ascii")
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise InvalidKey("not a private key in PEM") from error
        if not _suits(private, algorithm):
            raise InvalidKey(f"not a private key for {algorithm}")
        jose = JoseKey(text, algorithm)
        public = jose.public_members()
        jwk = parse_jwk({**public, "kid": thumbprint(public)})
        verification_key(jwk)  # a key that verifiers would ignore must not sign
        return cls(jwk.kid, jwk, jose)

    @property
    def algorithm(self) -> Algorithm:
        return self._jose.algorithm

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid!r})"

    def sign(self, claims: "NewAccessToken") -> str:
        """Return a compact JWS with `typ: at+jwt` (RFC 9068, section 2.1).

        Raises ValueError if a permission is not a scope token.
        """
        issued_at = int(claims.issued_at.timestamp())
        return self._jose.sign(
            {"typ": TOKEN_TYPE, "kid": self.kid},
            {
                "iss": claims.issuer,
                "aud": claims.audience,
                "sub": str(claims.user_id),
                "sid": str(claims.session_id),
                "jti": str(claims.token_id),
                "iat": issued_at,
                "nbf": issued_at,
                "exp": issued_at + int(claims.lifetime.total_seconds()),
                "scope": make_scope(claims.permissions),
            },
        )


def _suits(key: object, algorithm: Algorithm) -> bool:
    if algorithm == "ES256":
        return isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    return isinstance(key, rsa.RSAPrivateKey)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccessToken:
    """The content of a new access token."""

    issuer: str
    audience: str
    user_id: uuid.UUID
    session_id: uuid.UUID
    token_id: uuid.UUID
    permissions: Iterable[str]
    issued_at: datetime
    lifetime: timedelta
