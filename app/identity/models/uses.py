"""Tables: who reads what is limited in number, what is locked to count them, turnaways."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text
from app.personal import Closing, Merging, personal

LIVE = text("ended_at IS NULL")
ENDED = text("ended_at IS NOT NULL")


def _live(name: str, *columns: str, unique: bool = False) -> Index:
    """An index over the uses that have not ended: few, however many there were."""
    return Index(name, *columns, unique=unique, sqlite_where=LIVE, postgresql_where=LIVE)


class Use(Base):
    """A lease to read a record whose readers are limited in number.

    One at a time for each reader and record, on however many devices. What it belongs to stands
    here as it was when it began, since that may be what is limited.
    """

    __tablename__ = "uses"
    __table_args__ = (
        _live("uq_uses_live", "record_id", "account_id", unique=True),
        _live("ix_uses_live_parent", "parent_id"),
        _live("ix_uses_live_whole", "whole_id"),
        _live("ix_uses_live_library", "library_id"),
        _live("ix_uses_live_until", "until"),
        Index(None, "account_id", "begun_at", "id"),
        Index("ix_uses_ended_at", "ended_at", sqlite_where=ENDED, postgresql_where=ENDED),
    )

    id: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    record_id: Mapped[str] = mapped_column(key_text(36))
    parent_id: Mapped[str | None] = mapped_column(key_text(36))
    whole_id: Mapped[str | None] = mapped_column(key_text(36))
    library_id: Mapped[str] = mapped_column(key_text(64))
    """The library that owns the record."""
    account_id: Mapped[str | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        info=personal(Closing.DELETED, Merging.MOVED, ("record_id", "begun_at", "ended_at")),
    )
    """Forgotten some time after the use has ended; the rest is kept a while for statistics."""
    session_id: Mapped[str | None] = mapped_column(key_text(32))
    """The public id of the session that opened it last."""
    begun_at: Mapped[datetime] = mapped_column(Instant)
    until: Mapped[datetime] = mapped_column(Instant)
    """When it ends, unless its reader reads on."""
    last_at: Mapped[datetime] = mapped_column(Instant)
    """When it ends however much is read."""
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class UseLock(Base):
    """What is held while the uses of one record or library are counted and one is added."""

    __tablename__ = "use_locks"

    place: Mapped[str] = mapped_column(key_text(80), primary_key=True)
    """``record:…`` or ``library:…``."""
    taken: Mapped[int] = mapped_column(BigInteger)
    """How often it was held: writing it is what holds the row."""


class Turnaway(Base):
    """How often readers of a record were turned away in a day since all its places were taken."""

    __tablename__ = "turnaways"

    library_id: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    day: Mapped[str] = mapped_column(key_text(10), primary_key=True)
    """``2026-01-31``, in UTC."""
    record_id: Mapped[str] = mapped_column(key_text(36), primary_key=True)
    times: Mapped[int]
