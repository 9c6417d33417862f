"""Tables: the libraries of the network, their tree and its history, how they are reached."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text
from app.personal import kept

LEVELS = ("national", "province", "city", "county", "special")


class LibraryState(StrEnum):
    """How far a library is in joining the network."""

    APPLIED = "applied"
    SETTING_UP = "setting-up"
    JOINED = "joined"
    SUSPENDED = "suspended"
    REFUSED = "refused"


class Library(Base):
    """A library of the network. ``path`` is its place in the tree, in byte order.

    Each level adds four characters: what is below ``p`` is ``path >= p AND path < p + '~'``.
    """

    __tablename__ = "libraries"
    __table_args__ = (
        CheckConstraint(f"level IN {LEVELS}", name="level"),
        CheckConstraint("(parent_id IS NULL) = (length(path) = 4)", name="root"),
        Index("ix_libraries_parent", "parent_id", "path"),
    )

    id: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    name: Mapped[str]
    level: Mapped[str] = mapped_column(key_text(16))
    code: Mapped[str | None] = mapped_column(key_text(16))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("libraries.id"))
    path: Mapped[str] = mapped_column(key_text(64), unique=True)
    added_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(key_text(16), default="joined", server_default="joined")
    """A :class:`LibraryState`."""
    policy: Mapped[str | None] = mapped_column(key_text(16))
    """What using any of its records asks for, beside what each asks for itself."""
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Raised by every change of this row but that of what is above it."""
    left_step: Mapped[int] = mapped_column(default=0, server_default="0")
    """The highest step below it that a library left by moving. It is not given again: the index,
    caches and callers may for a while name the path that was."""


class LibraryApplication(Base):
    """Who asks to join and what they wrote; gone once the library has joined or is refused."""

    __tablename__ = "library_applications"

    library_id: Mapped[str] = mapped_column(
        ForeignKey("libraries.id", ondelete="CASCADE"), primary_key=True
    )
    contact: Mapped[bytes]
    """JSON, sealed: see ``schemas``."""
    message: Mapped[str] = mapped_column(default="", server_default="")
    made_at: Mapped[datetime] = mapped_column(Instant)


class LibraryProfile(Base):
    """How a library is reached and what it looks like; one row at most for each."""

    __tablename__ = "library_profiles"

    library_id: Mapped[str] = mapped_column(
        ForeignKey("libraries.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int]
    profile: Mapped[bytes]
    """JSON: see ``schemas``."""
    changed_at: Mapped[datetime] = mapped_column(Instant)


class LibraryEvent(Base):
    """What happened to a library: applied, approved, moved, renamed, suspended … Only added to."""

    __tablename__ = "library_events"
    __table_args__ = (Index(None, "library_id", "id"), Index(None, "below", "id"))

    id: Mapped[str] = mapped_column(key_text(36), primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(key_text(16))
    at: Mapped[datetime] = mapped_column(Instant)
    account_id: Mapped[str | None] = mapped_column(
        key_text(32), info=kept("the history is the library's")
    )
    below: Mapped[str | None] = mapped_column(key_text(64))
    """Of a move: below which library it stood until then; empty where it was below none."""
    note: Mapped[str] = mapped_column(default="", server_default="")
    detail: Mapped[bytes] = mapped_column(default=b"{}")
    """JSON: what was, and what is."""


class LibraryNetwork(Base):
    """Addresses that belong to a library. Several libraries may stand behind one address."""

    __tablename__ = "library_networks"
    __table_args__ = (UniqueConstraint("library_id", "cidr"), Index(None, "cidr"))

    id: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"))
    cidr: Mapped[str] = mapped_column(key_text(49))
    """IPv4 or IPv6 in its one short form, so that the 33 or 129 networks that an address may be
    in are found by equality (RFC 4632, RFC 5952)."""
    link: Mapped[str] = mapped_column(key_text(16))
    """private, vpn or internet."""
    label: Mapped[str] = mapped_column(default="", server_default="")
    added_at: Mapped[datetime] = mapped_column(Instant)


class LibraryCounts(Base):
    """How many readers have a library as their own; counting a subtree adds up its libraries."""

    __tablename__ = "library_counts"

    library_id: Mapped[str] = mapped_column(
        ForeignKey("libraries.id", ondelete="CASCADE"), primary_key=True
    )
    readers: Mapped[int] = mapped_column(default=0, server_default="0")
    verified: Mapped[int] = mapped_column(default=0, server_default="0")
    """Those of them whose real name was verified."""
