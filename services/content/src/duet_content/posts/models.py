"""The table of posts."""

import uuid
from datetime import datetime

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from duet_common.db.base import Entity
from duet_content.base import ContentBase


class Post(Entity, ContentBase):
    """A post. `published_at` is set only while it is published; `version` is part of its ETag."""

    __tablename__ = "posts"

    author_id: Mapped[uuid.UUID] = mapped_column()
    title: Mapped[str] = mapped_column(String(200))
    content: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime | None] = mapped_column()
    version: Mapped[int] = mapped_column(server_default=text("1"))

    __mapper_args__ = {  # noqa: RUF012 - SQLAlchemy declares its type
        "eager_defaults": True,
        "version_id_col": version,
    }
    __table_args__ = (
        # Each list of the API reads one range of one index, in the order of the index.
        Index("ix_posts_published", published_at, "id", postgresql_where=published_at.is_not(None)),
        Index(
            "ix_posts_author_published",
            author_id,
            published_at,
            "id",
            postgresql_where=published_at.is_not(None),
        ),
        Index(
            "ix_posts_author_drafts",
            author_id,
            "created_at",
            "id",
            postgresql_where=published_at.is_(None),
        ),
    )

    @property
    def is_published(self) -> bool:
        return self.published_at is not None
