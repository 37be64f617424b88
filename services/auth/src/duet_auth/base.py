"""The declarative base of auth's tables."""

from duet_common.db.base import Base, service_metadata


class AuthBase(Base):
    """auth's own metadata: no table of another service is in it, no foreign key leaves it."""

    __abstract__ = True
    metadata = service_metadata()
