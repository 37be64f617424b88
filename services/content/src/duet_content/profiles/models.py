"""The table of profiles."""

import uuid

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from duet_common.db.base import TimestampMixin
from duet_content.base import ContentBase


class Profile(TimestampMixin, ContentBase):
    """A user's public profile. Its key is the user's id in auth, without a foreign key."""

    __tablename__ = "profiles"
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy declares its type

    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    display_name: Mapped[str | None] = mapped_column(String(100))
    bio: Mapped[str | None] = mapped_column(Text)
    avatar_url: Mapped[str | None] = mapped_column(String(2048))
