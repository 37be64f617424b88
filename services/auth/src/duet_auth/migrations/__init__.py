"""auth's Alembic history; `make migration SERVICE=auth` writes the next revision."""

from duet_auth.base import AuthBase
from duet_common.db.migrations import Migrations

MIGRATIONS = Migrations("auth", "duet_auth", AuthBase.metadata)
