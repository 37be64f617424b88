"""Strict parsing of a JWS, so that python-jose only receives tokens in the form that auth issues.

python-jose accepts padded and non-canonical base64url, an unknown `crit`, any `typ`, tokens of a
megabyte, and raises RecursionError on a deeply nested header (mpdavis/python-jose#364, #413).
"""

import base64
import re
from dataclasses import dataclass
from typing import Final

from duet_common.tokens.claims import TOKEN_TYPE
from duet_common.tokens.errors import Refusal, TokenRefused
from duet_common.tokens.strict_json import JsonObject, parse_object

MAX_TOKEN_LENGTH: Final = 4096
_MAX_HEADER_BYTES: Final = 256
_HEADER_NAMES: Final = frozenset({"alg", "typ", "kid"})
_PART: Final = re.compile(r"[A-Za-z0-9_-]+")
_KID: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # a SHA-256 thumbprint (RFC 7638)


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A well-formed token that is not verified. `alg` and `kid` are only used to find the key."""

    compact: str
    alg: str
    kid: str
    claims: JsonObject


def read_unverified(token: str) -> UnverifiedToken:
    """Parse a compact JWS (RFC 7515, section 7.1) in the form that auth issues.

    Raises `TokenRefused` for a token over 4 KiB, another number of parts, padded or non-canonical
    base64url, a header that is not exactly `alg`, `typ` and `kid`, or another `typ`.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise TokenRefused(Refusal.TOO_LARGE)
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenRefused(Refusal.NOT_COMPACT)
    header_bytes, claims_bytes, _ = (_decode(part) for part in parts)
    header = _object(header_bytes, Refusal.BAD_HEADER)
    if len(header_bytes) > _MAX_HEADER_BYTES or header.keys() != _HEADER_NAMES:
        raise TokenRefused(Refusal.BAD_HEADER)
    alg, typ, kid = header["alg"], header["typ"], header["kid"]
    if not isinstance(alg, str) or not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise TokenRefused(Refusal.BAD_HEADER)
    if typ != TOKEN_TYPE:
        raise TokenRefused(Refusal.BAD_TYPE)
    return UnverifiedToken(token, alg, kid, _object(claims_bytes, Refusal.BAD_CLAIMS))


def _decode(part: str) -> bytes:
    if not _PART.fullmatch(part):
        raise TokenRefused(Refusal.BAD_ENCODING)
    try:
        decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise TokenRefused(Refusal.BAD_ENCODING) from None
    # Decoding ignores trailing bits, so one token would have several encodings.
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != part.encode("ascii"):
        raise TokenRefused(Refusal.BAD_ENCODING)
    return decoded


def _object(data: bytes, refusal: Refusal) -> JsonObject:
    try:
        return parse_object(data)
    except ValueError:
        raise TokenRefused(refusal) from None
