"""The generic repository for one model. It uses the session that it is given and never commits."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from sqlalchemy import ColumnElement, UnaryExpression, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from duet_common.db.base import Entity
from duet_common.db.keyset import FIRST, Cursor

E = TypeVar("E", bound=Entity)


class Repository(Generic[E]):
    """Subclass it with `model = Post`, and add the domain's own queries."""

    model: ClassVar[type[Entity]]

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, id_: uuid.UUID, *, for_update: bool = False) -> E | None:
        return await self.session.get(self._model, id_, with_for_update=for_update or None)

    async def get_multi(
        self, *filters: ColumnElement[bool], skip: int = 0, limit: int = 100
    ) -> Sequence[E]:
        """Return a slice by offset, newest first. Its cost grows with `skip`, unlike `page`."""
        query = (
            select(self._model)
            .where(*filters)
            .order_by(*self._newest_first())
            .offset(skip)
            .limit(limit)
        )
        return (await self.session.scalars(query)).all()

    async def page(
        self, *filters: ColumnElement[bool], after: Cursor = FIRST, limit: int = 100
    ) -> Sequence[E]:
        """Return the rows after a cursor, newest first by `created_at` and `id`."""
        model = self._model
        query = (
            select(model)
            .where(*filters, tuple_(model.created_at, model.id) < (after.at, after.id))
            .order_by(*self._newest_first())
            .limit(limit)
        )
        return (await self.session.scalars(query)).all()

    async def create(self, entity: E) -> E:
        """Insert a row and load its defaults. A violated constraint raises IntegrityError here."""
        self.session.add(entity)
        await self.session.flush()
        return entity

    async def update(self, entity: E, values: Mapping[str, object]) -> E:
        """Set attributes, also to None, and flush. Raises AttributeError for an unknown one."""
        for name, value in values.items():
            if not isinstance(getattr(type(entity), name), InstrumentedAttribute):
                raise AttributeError(name)
            setattr(entity, name, value)
        await self.session.flush()
        return entity

    async def delete(self, entity: E) -> None:
        await self.session.delete(entity)
        await self.session.flush()

    async def count(self, *filters: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(self._model).where(*filters)
        return (await self.session.execute(query)).scalar_one()

    @property
    def _model(self) -> type[E]:
        return self.model  # type: ignore[return-value]  # a ClassVar cannot name the type variable

    def _newest_first(self) -> tuple[UnaryExpression[datetime], UnaryExpression[uuid.UUID]]:
        return self._model.created_at.desc(), self._model.id.desc()
