"""Database access to signing keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.keys.models import SigningKeyRow

_ROTATION_LOCK: Final = 0x4B455953  # "KEYS"


class KeyRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def lock(self) -> None:
        """Hold an advisory lock until the transaction ends, so that one at a time changes keys."""
        await self.session.execute(select(func.pg_advisory_xact_lock(_ROTATION_LOCK)))

    async def all(self) -> Sequence[SigningKeyRow]:
        query = select(SigningKeyRow).order_by(SigningKeyRow.published_at, SigningKeyRow.kid)
        return (await self.session.scalars(query)).all()

    async def add(self, row: SigningKeyRow) -> None:
        self.session.add(row)
        await self.session.flush()

    async def delete_retired_before(self, instant: datetime) -> None:
        await self.session.execute(delete(SigningKeyRow).where(SigningKeyRow.retired_at < instant))
