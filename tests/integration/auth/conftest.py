"""`db_session` is auth's here."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession


@pytest.fixture
def db_session(auth_session: AsyncSession) -> AsyncSession:
    return auth_session
