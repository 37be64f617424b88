"""Database access to users."""

import uuid
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from duet_auth.events.schemas import SnapshotUser
from duet_auth.users.models import User
from duet_common.db.queries import Query
from duet_common.db.repository import Repository


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a password is checked against."""

    id: uuid.UUID
    hashed_password: str
    is_active: bool


_CREDENTIALS = select(User.id, User.hashed_password, User.is_active)
CREDENTIALS_BY_EMAIL = Query(_CREDENTIALS.where(User.email == bindparam("email")), Credentials)
CREDENTIALS_BY_ID = Query(_CREDENTIALS.where(User.id == bindparam("id")), Credentials)
USERS_AFTER = Query(
    select(User.id, User.first_name, User.last_name, User.is_active, User.tokens_revoked_before)
    .where(User.id > bindparam("after"))
    .order_by(User.id)
    .limit(bindparam("limit")),
    SnapshotUser,
)


class UserRepository(Repository[User]):
    model = User

    async def get_shared(self, id_: uuid.UUID) -> User | None:
        """Return the user, and let nobody change the row until the transaction ends."""
        return await self.session.get(User, id_, with_for_update={"read": True})

    async def get_by_email(self, email: str) -> User | None:
        """Return the user with this email, in its stored form, or None."""
        return await self.session.scalar(select(User).where(User.email == email))
