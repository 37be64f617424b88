"""Refresh tokens: opaque, 256 bits, stored as a hash; each one's successor is derived from it."""

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
    """A refresh token in clear. `repr` does not show it."""

    _bytes: bytes

    @classmethod
    def parse(cls, text: str) -> "RefreshTokenValue | None":
        """The token a client sent, or None if its form is not that of one."""
        if len(text) != _LENGTH or not text.isascii():
            return None
        try:
            token = cls(base64.b64decode(text + "=", b"-_", validate=True))
        except ValueError:
            return None
        # "+", "/" and stray last bits are decoded too: a token has one spelling.
        return token if token.reveal() == text else None

    @property
    def hash(self) -> bytes:
        """What is stored. 256 random bits need no salt and no slow hash."""
        return hashlib.sha256(self._bytes).digest()

    def reveal(self) -> str:
        """The token, for the client that it belongs to."""
        return base64.urlsafe_b64encode(self._bytes).rstrip(b"=").decode("ascii")

    def __repr__(self) -> str:
        return "RefreshTokenValue(…)"


class RefreshTokenMaker:
    """Makes a family's first token, and each token's successor.

    A successor is HMAC-SHA256 of its predecessor under a server key, so that a second use within
    the grace gets the same one, although only hashes are stored. Without the key nobody can
    compute it; the key is derived from the key-encryption key by HKDF (RFC 5869).
    """

    def __init__(self, key_encryption_key: bytes) -> None:
        self._key = HKDF(
            algorithm=hashes.SHA256(), length=32, salt=None, info=b"duet refresh successor v1"
        ).derive(key_encryption_key)

    def first(self) -> RefreshTokenValue:
        return RefreshTokenValue(secrets.token_bytes(_BYTES))

    def successor(self, token: RefreshTokenValue) -> RefreshTokenValue:
        return RefreshTokenValue(hmac.digest(self._key, token._bytes, "sha256"))  # noqa: SLF001
