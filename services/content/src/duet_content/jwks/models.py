"""The table of stored JWKS documents."""

from datetime import datetime

from sqlalchemy import LargeBinary, String, func
from sqlalchemy.orm import Mapped, mapped_column

from duet_content.base import ContentBase


class JwksCopy(ContentBase):
    """The last valid JWKS document of an issuer, as it was fetched."""

    __tablename__ = "jwks_copies"

    issuer: Mapped[str] = mapped_column(String(512), primary_key=True)
    document: Mapped[bytes] = mapped_column(LargeBinary)
    fetched_at: Mapped[datetime] = mapped_column(server_default=func.now())
