"""What can be read: files by their digest, what is inside them, and which records hold them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text


class StoredPublication(Base):
    """A file in the store, known by its SHA-256, with what was found in it.

    ``publication`` is the examined publication as JSON (metadata, reading order, contents);
    ``report`` what was found wrong with it. ``covers`` says where each preview lies in the pack
    of covers, as JSON ``{"240.webp": [offset, length]}``: one object instead of eight.
    """

    __tablename__ = "publications"

    sha256: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    format: Mapped[str] = mapped_column(key_text(8))
    media_type: Mapped[str] = mapped_column(key_text(127))
    size: Mapped[int] = mapped_column(BigInteger)
    partial_md5: Mapped[str] = mapped_column(key_text(32), index=True)
    served_key: Mapped[str] = mapped_column(key_text(255))
    publication: Mapped[bytes] = mapped_column(LargeBinary)
    report: Mapped[bytes] = mapped_column(LargeBinary)
    text_key: Mapped[str | None] = mapped_column(key_text(255))
    covers: Mapped[bytes] = mapped_column(LargeBinary)
    examined_at: Mapped[datetime] = mapped_column(Instant)


class PublicationEntry(Base):
    """One resource inside a publication, and where its bytes lie in the store.

    ``method`` 8 with ``passthrough`` is sent as the raw deflate stream at ``offset``; 0 is sent
    as it is; ``copy_key`` names a stored copy instead; ``withheld`` says why it is not served.
    """

    __tablename__ = "publication_entries"

    sha256: Mapped[str] = mapped_column(
        ForeignKey("publications.sha256", ondelete="CASCADE"), primary_key=True
    )
    path: Mapped[str] = mapped_column(key_text(1024), primary_key=True)
    media_type: Mapped[str] = mapped_column(key_text(127))
    method: Mapped[int]
    offset: Mapped[int] = mapped_column(BigInteger)
    compressed: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    crc: Mapped[int] = mapped_column(BigInteger)
    passthrough: Mapped[bool]
    copy_key: Mapped[str | None] = mapped_column(key_text(255))
    withheld: Mapped[str | None] = mapped_column(key_text(64))


class HeldPublication(Base):
    """That a record holds a publication; ``filename`` is what its file was called."""

    __tablename__ = "held_publications"
    __table_args__ = (Index("ix_held_publications_sha256", "sha256"),)

    record_id: Mapped[str] = mapped_column(
        ForeignKey("records.id", ondelete="CASCADE"), primary_key=True
    )
    sha256: Mapped[str] = mapped_column(ForeignKey("publications.sha256"), primary_key=True)
    filename: Mapped[str]
    held_at: Mapped[datetime] = mapped_column(Instant)
