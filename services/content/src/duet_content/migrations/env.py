"""Alembic's entry point: content's metadata, on the connection that `Migrations` opened."""

from duet_common.db.migrations import run_environment
from duet_content.migrations import MIGRATIONS

run_environment(MIGRATIONS.metadata)
