"""`db_session` is content's here."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession


@pytest.fixture
def db_session(content_session: AsyncSession) -> AsyncSession:
    return content_session
