"""The table of events, which other services follow."""

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, String, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from duet_auth.base import AuthBase
from duet_common.db.base import UUIDMixin


class Event(UUIDMixin, AuthBase):
    """A change that other services have to know about, written in the change's transaction.

    `seq` is the position in the feed. It is null until a reader of the feed needs it, because the
    order of commits is not known at the time of the insert (docs/adr/0014).
    """

    __tablename__ = "events"

    type: Mapped[str] = mapped_column(String(64))
    data: Mapped[dict[str, object]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    # Not the id: the clocks of two processes differ, and dependent changes must stay in order.
    insert_order: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    seq: Mapped[int | None] = mapped_column(BigInteger, unique=True)

    __table_args__ = (
        Index("ix_events_without_seq", "insert_order", postgresql_where=text("seq IS NULL")),
    )
