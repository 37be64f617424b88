"""The tables that tests empty: all but the keys, which the running services hold in memory."""

from typing import Final

from duet_auth.migrations import MIGRATIONS as AUTH_MIGRATIONS
from duet_content.migrations import MIGRATIONS as CONTENT_MIGRATIONS

_KEPT: Final = {"signing_keys", "jwks_copies"}

TABLES: Final[dict[str, list[str]]] = {
    service: [table.name for table in migrations.metadata.sorted_tables if table.name not in _KEPT]
    for service, migrations in (("auth", AUTH_MIGRATIONS), ("content", CONTENT_MIGRATIONS))
}
