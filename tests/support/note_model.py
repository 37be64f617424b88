"""A model for the tests of the database library, which must not depend on a service's models."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from duet_common.db.base import Base, Entity, service_metadata
from duet_common.db.repository import Repository


class NoteBase(Base):
    __abstract__ = True
    metadata = service_metadata()


class Note(Entity, NoteBase):
    __tablename__ = "notes"

    title: Mapped[str] = mapped_column(String(20), unique=True)
    words: Mapped[str | None]

    def shout(self) -> str:
        return self.title.upper()


class NoteRepository(Repository[Note]):
    model = Note
