"""Tables: library cards as their libraries keep them, and the files by which they say so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.batches import Batch, BatchProblem
from app.database import Base, Instant, key_text

RUNNING = text("state = 'running'")


class Card(Base):
    """What a library says of one of its cards; the handle of the same hash says whose it is.

    The row goes with the handle, however that goes. An account whose card nobody has claimed yet
    is one that the library made: it has no other handle and no secret, and nobody is signed in.
    """

    __tablename__ = "cards"
    __table_args__ = (
        ForeignKeyConstraint(
            ["kind", "lookup"],
            ["handles.kind", "handles.lookup"],
            name="fk_cards_kind_lookup_handles",
            ondelete="CASCADE",
        ),
        CheckConstraint("kind = 'card'", name="kind"),
        CheckConstraint("state IN ('open', 'suspended', 'missing')", name="state"),
        CheckConstraint("contact IS NULL OR claimed_at IS NULL", name="contact"),
        Index(None, "library_id", "lookup"),
        Index(None, "import_id", "lookup"),
    )

    lookup: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    kind: Mapped[str] = mapped_column(key_text(16), default="card", server_default="card")
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    state: Mapped[str] = mapped_column(key_text(16), default="open", server_default="open")
    """open; suspended, as the library says; or missing in what it said to be all of its readers."""
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    contact_kind: Mapped[str | None] = mapped_column(key_text(16))
    contact: Mapped[bytes | None]
    """The phone or address that the library knows, sealed for this card: only to send the code by
    which it is claimed, and gone then. It is nobody's handle."""
    slip: Mapped[str | None] = mapped_column(key_text(64))
    """A hash of the code that the library printed for its reader."""
    slip_until: Mapped[datetime | None] = mapped_column(Instant)
    claimed_at: Mapped[datetime | None] = mapped_column(Instant)
    said: Mapped[str] = mapped_column(key_text(64), default="", server_default="")
    """A keyed hash of what the library said last, to tell whether it says anything else."""
    import_id: Mapped[str | None] = mapped_column(
        ForeignKey("reader_imports.id", name="fk_cards_import_id_reader_imports")
    )
    """The import that wrote it last."""
    before: Mapped[bytes | None]
    """What that import found, as JSON, so that it can be undone; nothing where it added the card.
    """
    added_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)


class ReaderImport(Batch, Base):
    """One file of a library's readers; its position counts rows. One at a time for a library."""

    __tablename__ = "reader_imports"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'done', 'stopped', 'undone')", name="state"),
        Index(
            "uq_reader_imports_running",
            "library_id",
            unique=True,
            sqlite_where=RUNNING,
            postgresql_where=RUNNING,
        ),
        Index(None, "library_id", "id"),
    )

    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    whole: Mapped[bool] = mapped_column(default=False)
    """Whether the file says of itself that it holds all readers of the library."""
    missing: Mapped[int] = mapped_column(default=0)
    """Cards that a whole file does not have."""
    suspended: Mapped[int] = mapped_column(default=0)
    """Those of them that were suspended for it."""


class ReaderImportProblem(BatchProblem, Base):
    """What was to be said of a row. It names no value of a person's."""

    __tablename__ = "reader_import_problems"

    import_id: Mapped[str] = mapped_column(
        ForeignKey("reader_imports.id", ondelete="CASCADE"), primary_key=True
    )
