"""Tables: accounts, what they sign in by, and the secrets that prove it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text
from app.personal import Closing, Merging, kept, personal


class Account(Base):
    """A person or a system that may do things. The id is random: it tells nothing."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("kind IN ('person', 'service')", name="kind"),
        Index("ix_accounts_home", "home_id", "added_at", "id"),
        Index("ix_accounts_home_name", "home_id", "name_key", "id"),
    )

    id: Mapped[str] = mapped_column(
        key_text(32),
        primary_key=True,
        info=personal(
            Closing.KEPT,
            Merging.KEPT,
            ("id", "name", "kind", "home_id", "assurance", "added_at", "closing_at"),
            why="the id stays in what was done; what tells of the person is emptied",
        ),
    )
    name: Mapped[str]
    """What the person is called here; a real name is never kept."""
    name_key: Mapped[str] = mapped_column(key_text(64), default="", server_default="")
    """The name folded as search folds, so that its beginning can be looked up."""
    kind: Mapped[str] = mapped_column(key_text(16))
    email: Mapped[str | None] = mapped_column(key_text(254), unique=True)
    """Only of accounts that an earlier release made; see :class:`Handle`."""
    home_id: Mapped[str | None] = mapped_column(
        ForeignKey("libraries.id", name="fk_accounts_home_id_libraries")
    )
    """The reader's own library."""
    assurance: Mapped[int] = mapped_column(default=0, server_default="0")
    """How well the person is known: 0 said so, 1 reached (phone, address), 2 at the library,
    3 real name verified."""
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Raised when what its sessions rest on changes, so that caches and tokens can tell."""
    added_at: Mapped[datetime] = mapped_column(Instant)
    suspended_at: Mapped[datetime | None] = mapped_column(Instant)
    closing_at: Mapped[datetime | None] = mapped_column(Instant)
    """When it will be closed, unless its owner signs in before."""
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    merged_into: Mapped[str | None] = mapped_column(
        key_text(32), index=True, info=kept("the word of a tombstone")
    )
    """Where a closed account went: what knows it by its id asks there. Never more than one step."""


class Handle(Base):
    """What an account is signed in to by: a phone number, an e-mail address, a library card.

    Kept as a hash to look it up by, sealed to use it, and masked to show it.
    """

    __tablename__ = "handles"

    kind: Mapped[str] = mapped_column(key_text(16), primary_key=True)
    """phone, email or card."""
    lookup: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        index=True,
        info=personal(
            Closing.DELETED,
            Merging.MOVED,
            ("kind", "mask", "library_id", "added_at", "verified_at"),
            {"sealed": "handle"},
        ),
    )
    library_id: Mapped[str | None] = mapped_column(ForeignKey("libraries.id"))
    """Whose card it is."""
    mask: Mapped[str] = mapped_column(key_text(64))
    sealed: Mapped[bytes]
    added_at: Mapped[datetime] = mapped_column(Instant)
    verified_at: Mapped[datetime | None] = mapped_column(Instant)


class Password(Base):
    """The argon2id hash of an account's password (RFC 9106)."""

    __tablename__ = "passwords"

    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal(Closing.DELETED, Merging.ENDED, ("set_at",)),
    )
    hash: Mapped[str]
    set_at: Mapped[datetime] = mapped_column(Instant)


class Authenticator(Base):
    """A second proof: a device that shows codes (RFC 6238), or a recovery code that works once."""

    __tablename__ = "authenticators"
    __table_args__ = (CheckConstraint("kind IN ('totp', 'recovery')", name="kind"),)

    id: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        index=True,
        info=personal(
            Closing.DELETED, Merging.ENDED, ("kind", "label", "added_at", "confirmed_at")
        ),
    )
    kind: Mapped[str] = mapped_column(key_text(16))
    label: Mapped[str] = mapped_column(default="", server_default="")
    secret: Mapped[bytes]
    """A sealed key, or the digest of a recovery code."""
    last_step: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """The time step of the last code that was taken: none is taken twice."""
    added_at: Mapped[datetime] = mapped_column(Instant)
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
