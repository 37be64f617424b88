"""Private keys at rest: AES-256-GCM under the key-encryption key, bound to their `kid`."""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES: Final = 12


class WrongKeyEncryptionKey(Exception):
    """The stored keys were encrypted under another key-encryption key, or were tampered with."""

    def __init__(self, kid: str) -> None:
        super().__init__(
            f"signing key {kid} cannot be decrypted: KEY_ENCRYPTION_KEY is not the one that "
            "encrypted it; restore that one"
        )


class KeyEncryption:
    """Encrypts and decrypts with a key of 32 bytes. Output: nonce (12 bytes), then ciphertext."""

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
        except (InvalidTag, ValueError):  # ValueError: cut short
            raise WrongKeyEncryptionKey(kid) from None
