"""Batches: what was imported, how far, and what was wrong with it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text

RUNNING = text("state = 'running'")


class Import(Base):
    """One import of one file. ``position`` is how many of its records are done for good.

    ``held_by`` names the process that does it, which others leave alone until ``held_until``.
    """

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'done', 'undone')", name="state"),
        Index(
            "uq_imports_running",
            "digest",
            "library_id",
            "format",
            unique=True,
            sqlite_where=RUNNING,
            postgresql_where=RUNNING,
        ),
    )

    id: Mapped[str] = mapped_column(key_text(36), primary_key=True)
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(key_text(64))
    format: Mapped[str] = mapped_column(key_text(16))
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    account_id: Mapped[str | None] = mapped_column(key_text(32))
    state: Mapped[str] = mapped_column(key_text(16))
    position: Mapped[int] = mapped_column(default=0)
    read: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    repeated: Mapped[int] = mapped_column(default=0)
    held_by: Mapped[str | None] = mapped_column(key_text(200))
    held_until: Mapped[datetime] = mapped_column(Instant)
    started_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


class ImportProblem(Base):
    """A record that was refused: where it stands in the file, and why."""

    __tablename__ = "import_problems"

    import_id: Mapped[str] = mapped_column(
        ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[str]
    code: Mapped[str] = mapped_column(key_text(64))
    message: Mapped[str]
