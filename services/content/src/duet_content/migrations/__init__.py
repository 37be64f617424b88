"""content's Alembic history; `make migration SERVICE=content` writes the next revision."""

from duet_common.db.migrations import Migrations
from duet_content.base import ContentBase

MIGRATIONS = Migrations("content", "duet_content", ContentBase.metadata)
