"""Alembic's entry point: auth's metadata, on the connection that `Migrations` opened."""

from duet_auth.migrations import MIGRATIONS
from duet_common.db.migrations import run_environment

run_environment(MIGRATIONS.metadata)
