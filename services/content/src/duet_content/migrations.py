"""content's Alembic history."""

from pathlib import Path

from duet_common.db.migrations import Migrations

MIGRATIONS = Migrations(Path(__file__).resolve().parents[2] / "alembic.ini")
