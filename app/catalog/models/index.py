"""What feeds the search index, and what readers looked for in vain."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text

REFUSED = text("due IS NOT NULL")


class DirtyRecord(Base):
    """A record whose entry in the index is behind: written with the change, removed only once
    the index has accepted that version.

    One that the index refused, or that cannot be read, says why, and is tried again when it is
    ``due``; the others are not: they are tried at once.
    """

    __tablename__ = "dirty_records"
    __table_args__ = (
        Index("ix_dirty_records_since", "since", "record_id"),
        Index("ix_dirty_records_due", "due", sqlite_where=REFUSED, postgresql_where=REFUSED),
    )

    record_id: Mapped[str] = mapped_column(key_text(36), primary_key=True)
    version: Mapped[int]
    since: Mapped[datetime] = mapped_column(Instant)
    due: Mapped[datetime | None] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(server_default="0")
    reason: Mapped[str] = mapped_column(server_default="")


class SearchableText(Base):
    """Words of the resource itself that search may find: chapter titles, its beginning."""

    __tablename__ = "searchable_texts"

    record_id: Mapped[str] = mapped_column(
        ForeignKey("records.id", ondelete="CASCADE"), primary_key=True
    )
    contents: Mapped[str] = mapped_column(default="")
    beginning: Mapped[str] = mapped_column(default="")


class FruitlessQuery(Base):
    """Words that found nothing, counted by day for librarians; kept without who asked."""

    __tablename__ = "fruitless_queries"

    day: Mapped[str] = mapped_column(key_text(10), primary_key=True)
    words: Mapped[str] = mapped_column(key_text(100), primary_key=True)
    times: Mapped[int] = mapped_column(default=1)
