"""Refresh tokens: 256 bits, opaque, stored as a hash. The successor of each is derived from it."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_BYTES: Final = 32
_LENGTH: Final = 43


@dataclass(frozen=True, slots=True)
class RefreshTokenValue:
    """A refresh token in plain text, which its `repr` does not show."""

    _bytes: bytes

    @classmethod
    def parse(cls, text: str) -> "RefreshTokenValue | None":
        """Parse the token that a client sent. Return None if it is malformed."""
        if len(text) != _LENGTH or not text.isascii():
            return None
        try:
            token = cls(base64.b64decode(text + "=", b"-_", validate=True))
        except ValueError:
            return None
        # Decoding also accepts "+", "/" and stray trailing bits. A token has one encoding.
        return token if token.reveal() == text else None

    @property
    def hash(self) -> bytes:
        """The hash that is stored. 256 random bits need neither a salt nor a slow hash."""
        return hashlib.sha256(self._bytes).digest()

    def reveal(self) -> str:
        """Return the token in plain text, for its client."""
        return base64.urlsafe_b64encode(self._bytes).rstrip(b"=").decode("ascii")

    def __repr__(self) -> str:
        return "RefreshTokenValue(…)"


class RefreshTokenMaker:
    """Creates the first token of a refresh token family, and the successor of each token.

    A successor is the HMAC-SHA256 of its predecessor with a server key. Reuse within the grace
    period therefore returns the same successor, although only hashes are stored. The server key is
    derived from the key-encryption key by HKDF (RFC 5869).
    """

    def __init__(self, key_encryption_key: bytes) -> None:
        self._key = HKDF(
            algorithm=hashes.SHA256(), length=32, salt=None, info=b"duet refresh successor v1"
        ).derive(key_encryption_key)

    def first(self) -> RefreshTokenValue:
        return RefreshTokenValue(secrets.token_bytes(_BYTES))

    def successor(self, token: RefreshTokenValue) -> RefreshTokenValue:
        return RefreshTokenValue(hmac.digest(self._key, token._bytes, "sha256"))  # noqa: SLF001
