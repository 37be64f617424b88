"""Alembic's entry: content's metadata, on the connection that `duet_content.migrations` opened."""

from duet_common.db.migrations import run_environment
from duet_content.tables import METADATA

run_environment(METADATA)
