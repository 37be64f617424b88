"""The table of signing keys."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from duet_auth.base import AuthBase


class SigningKeyRow(AuthBase):
    """A signing key. Its state is next (published), active (signing) or retired (published).

    The private key is encrypted, so a copy of the database is not enough to sign.
    """

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(String(43), primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(8))
    public_jwk: Mapped[dict[str, str]] = mapped_column(JSONB)
    encrypted_private_key: Mapped[bytes] = mapped_column(LargeBinary)
    published_at: Mapped[datetime]
    activated_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        # At most one next and one active key: the database enforces this.
        Index(
            "uq_signing_keys_next",
            text("(true)"),
            unique=True,
            postgresql_where=text("activated_at IS NULL"),
        ),
        Index(
            "uq_signing_keys_active",
            text("(true)"),
            unique=True,
            postgresql_where=text("activated_at IS NOT NULL AND retired_at IS NULL"),
        ),
    )
