"""Encryption of private keys at rest: AES-256-GCM, with the `kid` as associated data."""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES: Final = 12


class WrongKeyEncryptionKey(Exception):
    """Raised when a stored key was encrypted with another key-encryption key, or was altered."""

    def __init__(self, kid: str) -> None:
        super().__init__(
            f"The signing key {kid} cannot be decrypted with this KEY_ENCRYPTION_KEY. "
            "Restore the one that encrypted it."
        )


class KeyEncryption:
    """Encrypts and decrypts with a 32-byte key. The output is a 12-byte nonce, then ciphertext."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def encrypt(self, private_key: bytes, kid: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, private_key, kid.encode("ascii"))

    def decrypt(self, stored: bytes, kid: str) -> bytes:
        """Raises `WrongKeyEncryptionKey`."""
        nonce, ciphertext = stored[:_NONCE_BYTES], stored[_NONCE_BYTES:]
        try:
            return self._aead.decrypt(nonce, ciphertext, kid.encode("ascii"))
        except (InvalidTag, ValueError):  # ValueError: too short
            raise WrongKeyEncryptionKey(kid) from None
