"""Temporary database errors: the request may succeed later, so the response is a 503."""

from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

UNAVAILABLE_ERRORS: Final = (
    OSError,  # includes TimeoutError
    asyncpg.InterfaceError,  # a closed connection; also an invalid argument
    asyncpg.PostgresConnectionError,  # class 08
    asyncpg.InvalidAuthorizationSpecificationError,  # class 28: the role or its password
    asyncpg.InvalidCatalogNameError,  # the database does not exist (yet)
    asyncpg.TransactionRollbackError,  # class 40: a deadlock, for example
    asyncpg.InsufficientResourcesError,  # class 53: too many connections, disk full
    asyncpg.LockNotAvailableError,
    asyncpg.OperatorInterventionError,  # class 57: shutdown, crash recovery, statement timeout
)
"""What asyncpg raises when it cannot use a connection, or a time limit has passed."""


def is_unavailable(error: BaseException) -> bool:
    """Return whether an error of SQLAlchemy or asyncpg means that the request may succeed later."""
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error, DBAPIError):
        cause = error.orig.__cause__ if error.orig is not None else None
        return error.connection_invalidated or isinstance(cause, UNAVAILABLE_ERRORS)
    return isinstance(error, UNAVAILABLE_ERRORS)
