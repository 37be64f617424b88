"""Queries and changes that a test makes in auth's database directly, without the API."""

import uuid

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.base import AuthBase
from duet_auth.sessions.models import UserSession
from duet_auth.users.models import User
from duet_common.db.database import Database
from duet_common.tokens.strict_jws import read_unverified
from tests.support.running_duet import Duet
from tests.support.users import RegisteredUser


async def count_rows(session: AsyncSession, model: type[AuthBase]) -> int:
    """Return the number of rows that a new statement of this session sees."""
    return (await session.execute(select(func.count()).select_from(model))).scalar_one()


async def update_user(duet: Duet, user_id: uuid.UUID, **values: object) -> None:
    """Change columns of a user, such as permissions, and commit."""
    database: Database = duet.auth.runtime.database
    async with database.transaction() as session:
        await session.execute(update(User).where(User.id == user_id).values(**values))


async def stored_session(session: AsyncSession, registered_user: RegisteredUser) -> UserSession:
    """Return the current row of the session that the user's access token belongs to."""
    query = select(UserSession).where(UserSession.id == session_id_in(registered_user.access_token))
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


def session_id_in(access_token: str) -> uuid.UUID:
    """Return the `sid` claim of an access token, without verifying the token."""
    return uuid.UUID(str(read_unverified(access_token).claims["sid"]))
