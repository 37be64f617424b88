"""The declarative base of auth's tables."""

from duet_common.db.base import Base, service_metadata


class AuthBase(Base):
    """The base of auth's models. Its metadata contains no table of another service."""

    __abstract__ = True
    metadata = service_metadata()
