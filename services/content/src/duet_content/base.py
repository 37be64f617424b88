"""The declarative base of content's tables."""

from duet_common.db.base import Base, service_metadata


class ContentBase(Base):
    """The base of content's models. Its metadata contains no table of another service."""

    __abstract__ = True
    metadata = service_metadata()
