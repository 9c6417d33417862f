"""Tables: libraries, accounts, what they are granted, sessions and tokens."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text

LEVELS = ("national", "province", "city", "county", "special")


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


class Account(Base):
    """A person or a system that may do things. The id is random: it tells nothing."""

    __tablename__ = "accounts"
    __table_args__ = (CheckConstraint("kind IN ('person', 'service')", name="kind"),)

    id: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(key_text(16))
    email: Mapped[str | None] = mapped_column(key_text(254), unique=True)
    added_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)


class Grant(Base):
    """A role that an account has on a library and all below it."""

    __tablename__ = "grants"

    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"), primary_key=True)


class Credential(Base):
    """A secret that stands for an account: a session, a service token, or a first sign-in link.

    Only a hash of the secret is kept. A link works once: using it deletes it.
    """

    __tablename__ = "credentials"
    __table_args__ = (CheckConstraint("kind IN ('session', 'token', 'link')", name="kind"),)

    digest: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    kind: Mapped[str] = mapped_column(key_text(16))
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    label: Mapped[str] = mapped_column(default="")
    made_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)
