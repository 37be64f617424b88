"""The signing keys table."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from duet_auth.base import AuthBase


class SigningKeyRow(AuthBase):
    """A key's life: next (published), active (signing), retired (published for verification).

    The private key is encrypted; the database alone is worth nothing to a thief.
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
        # At most one of each, whoever rotates: the database holds the rule.
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
