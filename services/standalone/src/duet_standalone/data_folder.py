"""The folder with the state of `make run`: PostgreSQL's data and the key-encryption key."""

import base64
import fcntl
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Final

from duet_standalone.errors import StartFailure

_KEY_FILE: Final = "key-encryption.key"


class DataFolder:
    """A folder that one process uses at a time. The kernel releases the lock when it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    def __enter__(self) -> "DataFolder":
        """Create and lock the folder. Raises `StartFailure` if it cannot be used."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StartFailure(
                f"The data folder {self.path} cannot be used ({error.strerror}). "
                "Set DATA_DIR to a writable folder."
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartFailure(
                f"The data folder {self.path} is in use by another process. "
                "Stop that process, or set DATA_DIR to another folder."
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._lock is not None:
            os.close(self._lock)

    def key_encryption_key(self) -> str:
        """Return the key-encryption key (32 bytes in base64); create it if it does not exist."""
        path = self.path / _KEY_FILE
        if not path.exists():
            self.write_secret(_KEY_FILE, base64.b64encode(secrets.token_bytes(32)).decode("ascii"))
        return path.read_text(encoding="ascii").strip()

    def write_secret(self, name: str, text: str) -> Path:
        """Write a file atomically, readable only by its owner, and return its path."""
        path = self.path / name
        partial = path.with_suffix(".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        return path
