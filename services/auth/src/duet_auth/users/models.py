"""The users table."""

from datetime import datetime

from sqlalchemy import ARRAY, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from duet_auth.base import AuthBase
from duet_common.db.base import Entity


class User(Entity, AuthBase):
    """A person who can log in. The email has the form of `normalize_email` and is unique."""

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(320), unique=True)
    hashed_password: Mapped[str] = mapped_column(Text)
    first_name: Mapped[str | None] = mapped_column(String(100))
    last_name: Mapped[str | None] = mapped_column(String(100))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    is_superuser: Mapped[bool] = mapped_column(server_default=text("false"))
    email_verified: Mapped[bool] = mapped_column(server_default=text("false"))
    permissions: Mapped[list[str]] = mapped_column(ARRAY(String(100)), server_default=text("'{}'"))
    tokens_revoked_before: Mapped[datetime | None]
