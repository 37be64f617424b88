"""Public keys: parsing JWKs (RFC 7517) into keys that verify."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from duet_common.tokens.errors import InvalidKey
from duet_common.tokens.jose import Algorithm, JoseKey

_MIN_RSA_MODULUS_BITS: Final = 2048


class _Jwk(BaseModel):
    # Unknown members are ignored (RFC 7517, section 4). `parse_jwks` refuses private ones.
    model_config = ConfigDict(
        extra="ignore", frozen=True, json_schema_serialization_defaults_required=True
    )

    kid: str = Field(min_length=1, max_length=128)
    use: Literal["sig"] = "sig"


class EcJwk(_Jwk):
    """A P-256 public key."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: str = Field(max_length=64)
    y: str = Field(max_length=64)
    alg: Literal["ES256"] = "ES256"


class RsaJwk(_Jwk):
    """An RSA public key."""

    kty: Literal["RSA"]
    n: str = Field(max_length=2048)
    e: str = Field(max_length=16)
    alg: Literal["RS256"] = "RS256"


PublicJwk = Annotated[EcJwk | RsaJwk, Field(discriminator="kty")]
_PUBLIC_JWK: Final[TypeAdapter[EcJwk | RsaJwk]] = TypeAdapter(PublicJwk)


class Jwks(BaseModel):
    """A JWK Set (RFC 7517, section 5)."""

    keys: list[PublicJwk]


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key with its algorithm and its `kid`, which is its RFC 7638 thumbprint."""

    kid: str
    jwk: EcJwk | RsaJwk
    jose: JoseKey

    @property
    def algorithm(self) -> Algorithm:
        return self.jose.algorithm


Keyset = Mapping[str, VerificationKey]
"""Verification keys by `kid`."""


def thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the RFC 7638 thumbprint of a public key: SHA-256 in base64url, 43 characters."""
    names = ("crv", "kty", "x", "y") if jwk["kty"] == "EC" else ("e", "kty", "n")
    canonical = json.dumps({name: jwk[name] for name in names}, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode("utf-8")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def parse_jwk(members: Mapping[str, object]) -> EcJwk | RsaJwk:
    """Parse the members of a public JWK. Raises `InvalidKey`."""
    try:
        return _PUBLIC_JWK.validate_python(members)
    except ValidationError as error:
        raise InvalidKey("not an EC P-256 or RSA public key in JWK form") from error


def verification_key(jwk: EcJwk | RsaJwk) -> VerificationKey:
    """Construct a key. Raises `InvalidKey` if it is invalid or its `kid` is not its thumbprint."""
    members = {name: str(value) for name, value in jwk.model_dump().items()}
    if thumbprint(members) != jwk.kid:
        raise InvalidKey("the kid is not the key's thumbprint")
    if isinstance(jwk, RsaJwk) and _b64_int(jwk.n).bit_length() < _MIN_RSA_MODULUS_BITS:
        raise InvalidKey("the RSA modulus is under 2048 bits")
    return VerificationKey(jwk.kid, jwk, JoseKey(members, jwk.alg))


def parse_jwks(document: bytes) -> dict[str, VerificationKey]:
    """Return the usable keys of a JWK Set, by `kid`.

    A key of another type, curve or use is ignored, as RFC 7517, section 5 requires. Raises
    `InvalidKey` if the document is not a JWK Set or contains a private key.
    """
    try:
        entries = json.loads(document)["keys"]
        if not isinstance(entries, list):
            raise InvalidKey("'keys' is not a list")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidKey("not a JWK Set") from error
    keyset: dict[str, VerificationKey] = {}
    for entry in entries:
        if isinstance(entry, dict) and not entry.keys().isdisjoint({"d", "k", "p", "q"}):
            raise InvalidKey("the document contains a private key")
        try:
            key = verification_key(parse_jwk(entry))
        except InvalidKey:
            continue
        keyset[key.kid] = key
    return keyset


def _b64_int(value: str) -> int:
    try:
        return int.from_bytes(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)), "big")
    except ValueError as error:
        raise InvalidKey("not base64url") from error
