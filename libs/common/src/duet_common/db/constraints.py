"""Domain errors for violated constraints, selected by the name of the constraint."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy.exc import IntegrityError

from duet_common.errors import DuetError


@asynccontextmanager
async def constraint_errors(errors: Mapping[str, type[DuetError]]) -> AsyncIterator[None]:
    """Raise the error that belongs to a violated constraint; other errors pass unchanged.

    Usage: `async with constraint_errors({"uq_users_email": EmailTaken}): ...`
    """
    try:
        yield
    except IntegrityError as error:
        cause = error.orig.__cause__ if error.orig is not None else None
        kind = errors.get(str(getattr(cause, "constraint_name", None)))
        if kind is None:
            raise
        raise kind from error
