"""Batches: what was imported, how far, and what was wrong with it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.batches import Batch, BatchProblem
from app.database import Base

RUNNING = text("state = 'running'")


class Import(Batch, Base):
    """One import of one file; its position counts records."""

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

    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    repeated: Mapped[int] = mapped_column(default=0)


class ImportProblem(BatchProblem, Base):
    """A record that was refused: where it stands in the file, and why."""

    __tablename__ = "import_problems"

    import_id: Mapped[str] = mapped_column(
        ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True
    )
