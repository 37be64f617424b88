"""What a test looks up or changes in auth's database behind the service's back."""

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


async def count(session: AsyncSession, model: type[AuthBase]) -> int:
    """How many rows are committed, whatever else this session has seen."""
    return (await session.execute(select(func.count()).select_from(model))).scalar_one()


async def change_user(duet: Duet, user_id: uuid.UUID, **values: object) -> None:
    """Change a user as an operator would, committed."""
    database: Database = duet.auth.runtime.database
    async with database.transaction() as session:
        await session.execute(update(User).where(User.id == user_id).values(**values))


async def session_of(session: AsyncSession, registered_user: RegisteredUser) -> UserSession:
    """The stored session of a registered_user's access token, as it is now."""
    query = select(UserSession).where(UserSession.id == session_id_of(registered_user.access_token))
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


def session_id_of(access_token: str) -> uuid.UUID:
    return uuid.UUID(str(read_unverified(access_token).claims["sid"]))
