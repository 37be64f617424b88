"""Alembic's entry: auth's metadata, on the connection that `duet_auth.migrations` opened."""

from duet_auth.tables import METADATA
from duet_common.db.migrations import run_environment

run_environment(METADATA)
