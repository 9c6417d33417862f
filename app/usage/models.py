"""Facts about use, append-only: opaque ids, no tree, nothing that points upward."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text


class UsageFact(Base):
    """One use, as :class:`app.usage.facts.Fact` says it. The id makes delivery idempotent."""

    __tablename__ = "usage_facts"
    __table_args__ = (
        Index("ix_usage_facts_at", "at", "event"),
        Index("ix_usage_facts_record", "record", "at"),
    )

    id: Mapped[str] = mapped_column(key_text(36), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    event: Mapped[str] = mapped_column(key_text(16))
    record: Mapped[str] = mapped_column(key_text(36))
    title: Mapped[str] = mapped_column(key_text(36))
    kind: Mapped[str] = mapped_column(key_text(16))
    library: Mapped[str] = mapped_column(key_text(64))
    session: Mapped[str] = mapped_column(key_text(32))
    platform: Mapped[str] = mapped_column(key_text(16))
    access_type: Mapped[str] = mapped_column(key_text(16))
    access_method: Mapped[str] = mapped_column(key_text(16))
    year_of_publication: Mapped[str] = mapped_column(key_text(4))
    found: Mapped[int]
