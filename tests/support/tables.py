"""The tables that tests empty: all but the keys, which the running services hold in memory."""

from typing import Final

from duet_auth.tables import METADATA as AUTH_METADATA
from duet_content.tables import METADATA as CONTENT_METADATA

_KEPT: Final = {"signing_keys", "jwks_copies"}

TABLES: Final[dict[str, list[str]]] = {
    service: [table.name for table in metadata.sorted_tables if table.name not in _KEPT]
    for service, metadata in (("auth", AUTH_METADATA), ("content", CONTENT_METADATA))
}
