"""Tables: whose real name was verified, what is being verified, and who was confirmed at a desk.

Neither a number nor a name is kept: of a number a hash under a key of its own, and a mask.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text
from app.personal import Closing, Merging, kept, personal

PENDING = text("state = 'pending'")


class Identity(Base):
    """A person whose real name was verified: one account each, in the whole network."""

    __tablename__ = "identities"

    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal(Closing.DELETED, Merging.SOLE, ("mask", "method", "verified_at")),
    )
    lookup: Mapped[str] = mapped_column(key_text(64), unique=True)
    """The hash of the number under the key of ``key_version``."""
    key_version: Mapped[int]
    mask: Mapped[str] = mapped_column(key_text(18))
    method: Mapped[str] = mapped_column(key_text(16))
    """number, or carrier."""
    verified_at: Mapped[datetime] = mapped_column(Instant)


class Verification(Base):
    """One asking of the verification service, and what came of it.

    ``sealed`` is what it is asked; it is wiped by whatever ends the asking.
    """

    __tablename__ = "verifications"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'verified', 'refused', 'failed')", name="state"),
        CheckConstraint("(state = 'pending') = (sealed IS NOT NULL)", name="sealed_while_pending"),
        Index(None, "account_id", "made_at"),
        Index(
            "uq_verifications_pending",
            "account_id",
            unique=True,
            sqlite_where=PENDING,
            postgresql_where=PENDING,
        ),
        Index(None, "state", "expires_at"),
    )

    id: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        info=personal(
            Closing.DELETED,
            Merging.ENDED,
            ("method", "state", "reason", "mask", "made_at", "ended_at"),
        ),
    )
    method: Mapped[str] = mapped_column(key_text(16))
    state: Mapped[str] = mapped_column(key_text(16))
    reason: Mapped[str] = mapped_column(key_text(16), default="", server_default="")
    """Why it was refused, failed, or waits: a code."""
    mask: Mapped[str] = mapped_column(key_text(18))
    sealed: Mapped[bytes | None]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    made_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    """When it is given up; once it has ended, when it is forgotten."""
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class DeskConfirmation(Base):
    """That the staff of a library had the person and the card before them."""

    __tablename__ = "desk_confirmations"

    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal(Closing.DELETED, Merging.MOVED, ("library_id", "at")),
    )
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    given_by: Mapped[str | None] = mapped_column(
        key_text(32), info=kept("the confirmation is the reader's")
    )
    at: Mapped[datetime] = mapped_column(Instant)
