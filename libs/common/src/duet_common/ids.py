"""Identifiers: UUIDv7 (RFC 9562), made by the application, so that a key also sorts by age."""

import uuid

from uuid_utils import compat


def new_id() -> uuid.UUID:
    """A new UUIDv7. Ids made by one process in turn are in ascending order."""
    return compat.uuid7()
