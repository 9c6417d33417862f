"""Tables: who did what to whom, only added to, and the seals that show that nothing was changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text


class AuditEvent(Base):
    """One thing that was done. There are no references: it outlives what it is about."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index(None, "library_id", "at", "id"),
        Index(None, "actor", "at", "id"),
        Index(None, "subject", "at", "id"),
        Index(None, "at", "id"),
    )

    id: Mapped[str] = mapped_column(key_text(36), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str | None] = mapped_column(key_text(32))
    """The account; ``None`` for a command or the worker."""
    action: Mapped[str] = mapped_column(key_text(48))
    subject: Mapped[str] = mapped_column(key_text(80))
    """``account:…``, ``library:…``: what it was done to."""
    library_id: Mapped[str | None] = mapped_column(key_text(64))
    """In whose subtree it is seen."""
    address: Mapped[str] = mapped_column(key_text(49), default="", server_default="")
    request_id: Mapped[str] = mapped_column(key_text(36), default="", server_default="")
    detail: Mapped[bytes] = mapped_column(default=b"{}")
    """JSON, without personal data."""


class AuditSeal(Base):
    """The root of a Merkle tree over the events of a minute, chained to the one before."""

    __tablename__ = "audit_seals"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Instant)
    count: Mapped[int]
    root: Mapped[str] = mapped_column(key_text(64))
    previous: Mapped[str] = mapped_column(key_text(64))
    seal: Mapped[str] = mapped_column(key_text(64))
    """SHA-256 over the number, the count, the root, the time and the seal before."""


class AuditLeaf(Base):
    """Which seal holds an event, and where in its tree."""

    __tablename__ = "audit_leaves"
    __table_args__ = (Index("uq_audit_leaves_seal_place", "seal", "place", unique=True),)

    event_id: Mapped[str] = mapped_column(key_text(36), primary_key=True)
    seal: Mapped[int] = mapped_column(BigInteger)
    place: Mapped[int]
