"""The table of the last good JWKS document."""

from datetime import datetime

from sqlalchemy import LargeBinary, String, func
from sqlalchemy.orm import Mapped, mapped_column

from duet_content.base import ContentBase


class JwksCopy(ContentBase):
    """One row an issuer; the document is kept as it was fetched."""

    __tablename__ = "jwks_copies"

    issuer: Mapped[str] = mapped_column(String(512), primary_key=True)
    document: Mapped[bytes] = mapped_column(LargeBinary)
    fetched_at: Mapped[datetime] = mapped_column(server_default=func.now())
