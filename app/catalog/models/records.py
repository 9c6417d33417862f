"""Records, what identifies them, where they came from, and how they changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.description import Kind, State
from app.database import Base, Instant, key_text
from app.personal import kept

LONGEST_TITLE_KEY = 120
"""Characters: longer titles are told apart by whoever reads them."""


class RecordRow(Base):
    """A catalogue record: its description as JSON, and the columns that are asked for.

    ``description`` and ``summary`` are kept ready-made, so that a list is one statement and no
    assembly. ``work_id`` groups the editions of one work. ``mended`` names the fields that a
    person set: an import does not overwrite them. ``change`` numbers its last change; the database
    sets it (:mod:`app.catalog.models.feed`).
    """

    __tablename__ = "records"
    __table_args__ = (
        CheckConstraint(f"kind IN {tuple(str(k) for k in Kind)}", name="kind"),
        CheckConstraint(f"state IN {tuple(str(s) for s in State)}", name="state"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("(source IS NULL) = (source_id IS NULL)", name="source"),
        UniqueConstraint("source", "source_id"),
        Index("ix_records_new", "kind", "state", "added_at", "id"),
        Index("ix_records_library_kind", "library_id", "kind", "state", "added_at", "id"),
        Index("ix_records_parent", "parent_id", "state", "added_at", "id"),
        Index("ix_records_change", "change", "id"),
        Index("ix_records_import", "import_id", "id"),
    )

    id: Mapped[str] = mapped_column(key_text(36), primary_key=True)
    kind: Mapped[str] = mapped_column(key_text(16))
    state: Mapped[str] = mapped_column(key_text(16))
    version: Mapped[int]
    title: Mapped[str]
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("records.id"))
    work_id: Mapped[str] = mapped_column(key_text(36), index=True)
    source: Mapped[str | None] = mapped_column(key_text(64))
    source_id: Mapped[str | None] = mapped_column(key_text(500))
    audience: Mapped[str] = mapped_column(key_text(64))
    policy: Mapped[str] = mapped_column(key_text(16))
    description: Mapped[bytes] = mapped_column(LargeBinary)
    summary: Mapped[bytes] = mapped_column(LargeBinary)
    mended: Mapped[str] = mapped_column(default="")
    successor_id: Mapped[str | None] = mapped_column(ForeignKey("records.id"))
    reason: Mapped[str] = mapped_column(default="")
    import_id: Mapped[str | None] = mapped_column(ForeignKey("imports.id"))
    added_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    change: Mapped[int] = mapped_column(BigInteger, server_default="0")


class RecordIdentifier(Base):
    """An identifier of a record in its one normal form, to be found by."""

    __tablename__ = "record_identifiers"

    value: Mapped[str] = mapped_column(key_text(500), primary_key=True)
    record_id: Mapped[str] = mapped_column(
        ForeignKey("records.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    scheme: Mapped[str] = mapped_column(key_text(32), primary_key=True)


class RecordTitle(Base):
    """A record's title folded as the index folds it, to be found by while the index is away.

    A table of its own: it is read in order of its keys, and filling it touches no record. A
    release that folds otherwise makes it anew.
    """

    __tablename__ = "record_titles"
    __table_args__ = (Index("ix_record_titles_key", "key", "record_id"),)

    record_id: Mapped[str] = mapped_column(
        ForeignKey("records.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(key_text(LONGEST_TITLE_KEY))


class SourceRecord(Base):
    """The record as it was received, to the byte (compressed), and its digest."""

    __tablename__ = "source_records"

    record_id: Mapped[str] = mapped_column(
        ForeignKey("records.id", ondelete="CASCADE"), primary_key=True
    )
    format: Mapped[str] = mapped_column(key_text(16))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(Instant)


class Revision(Base):
    """What a record said, and where it stood, before a change, and who changed it."""

    __tablename__ = "record_revisions"
    __table_args__ = (Index("ix_record_revisions_import", "import_id", "record_id", "version"),)

    record_id: Mapped[str] = mapped_column(
        ForeignKey("records.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(key_text(16))
    audience: Mapped[str] = mapped_column(key_text(64))
    policy: Mapped[str] = mapped_column(key_text(16))
    library_id: Mapped[str] = mapped_column(key_text(64))
    description: Mapped[bytes] = mapped_column(LargeBinary)
    mended: Mapped[str] = mapped_column(default="")
    change: Mapped[str] = mapped_column(key_text(32))
    account_id: Mapped[str | None] = mapped_column(
        key_text(32), info=kept("the history is the record's")
    )
    import_id: Mapped[str | None] = mapped_column(ForeignKey("imports.id"))
    note: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(Instant)


class SourceDifference(Base):
    """A field that a person mended and that the source has since changed: theirs is listed."""

    __tablename__ = "source_differences"

    record_id: Mapped[str] = mapped_column(
        ForeignKey("records.id", ondelete="CASCADE"), primary_key=True
    )
    field: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    theirs: Mapped[bytes] = mapped_column(LargeBinary)
    import_id: Mapped[str | None] = mapped_column(ForeignKey("imports.id"))
    at: Mapped[datetime] = mapped_column(Instant)
