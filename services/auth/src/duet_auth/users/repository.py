"""Users in the database."""

import uuid
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from duet_auth.users.models import User
from duet_common.db.queries import Query
from duet_common.db.repository import Repository


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login is checked against."""

    id: uuid.UUID
    hashed_password: str
    is_active: bool


CREDENTIALS_BY_EMAIL = Query(
    select(User.id, User.hashed_password, User.is_active).where(User.email == bindparam("email")),
    Credentials,
)


class UserRepository(Repository[User]):
    model = User

    async def get_by_email(self, email: str) -> User | None:
        """Whatever the case of `email`."""
        return await self.session.scalar(select(User).where(User.email == email.lower()))
