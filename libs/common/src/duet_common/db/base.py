"""The declarative base, the mixins, and constraint names that errors can be mapped from."""

import uuid
from datetime import datetime
from typing import ClassVar

from sqlalchemy import DateTime, MetaData, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from duet_common.ids import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def service_metadata() -> MetaData:
    """Metadata for one service's tables, with names that stay the same in every database."""
    return MetaData(naming_convention=NAMING)


class Base(DeclarativeBase):
    """Abstract: each service subclasses it with its own `metadata = service_metadata()`."""

    __abstract__ = True

    type_annotation_map: ClassVar[dict[type, TypeEngine[datetime]]] = {
        datetime: DateTime(timezone=True)
    }


class UUIDMixin:
    """A UUIDv7 primary key, made by the application before the row is."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)


class TimestampMixin:
    """When the row was made and last changed, by the database's clock, with time zone."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class Entity(UUIDMixin, TimestampMixin, Base):
    """A row with an id and its times: what the generic repository can keep."""

    __abstract__ = True
    # `updated_at` comes back with the UPDATE: an async session cannot load it later on access.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy declares its type
