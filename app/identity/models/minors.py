"""Tables: what people agreed to, children and their guardians, the teen mode (青少年模式)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text
from app.personal import Closing, Merging, kept, personal


class Consent(Base):
    """That an account agreed to a text, of which version, and until when. The history is kept."""

    __tablename__ = "consents"
    __table_args__ = (Index(None, "account_id", "purpose", "given_at"),)

    id: Mapped[str] = mapped_column(key_text(36), primary_key=True)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        info=personal(
            Closing.DELETED, Merging.MOVED, ("purpose", "version", "given_at", "withdrawn_at")
        ),
    )
    purpose: Mapped[str] = mapped_column(key_text(16))
    """terms, privacy, real-name or guardian."""
    version: Mapped[str] = mapped_column(key_text(16))
    given_by: Mapped[str | None] = mapped_column(
        key_text(32), info=kept("the consent is the account's that it was given for")
    )
    """The account that agreed; ``None`` for a guardian who did so by phone."""
    given_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)


class Minor(Base):
    """An account of somebody under eighteen: the one case in which a year of birth is kept."""

    __tablename__ = "minors"

    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal(
            Closing.DELETED,
            Merging.APART,
            ("born_year", "is_verified", "guardian_mask", "consented_at"),
            why="a child's account keeps its guardian",
        ),
    )
    born_year: Mapped[int] = mapped_column(index=True)
    is_verified: Mapped[bool] = mapped_column(default=False)
    """Whether the year comes from a verified number; otherwise it is what was said."""
    guardian_id: Mapped[str | None] = mapped_column(
        ForeignKey("accounts.id"),
        index=True,
        info=personal(Closing.KEPT, Merging.MOVED, why="the account is the child's"),
    )
    guardian_lookup: Mapped[str | None] = mapped_column(key_text(64))
    """The hash of the phone of a guardian who has no account here."""
    guardian_mask: Mapped[str | None] = mapped_column(key_text(64))
    consented_at: Mapped[datetime | None] = mapped_column(Instant)
    invitation: Mapped[str | None] = mapped_column(key_text(64), unique=True)
    """The hash of the code by which a guardian with an account finds the child's."""
    invited_until: Mapped[datetime | None] = mapped_column(Instant)


class TeenMode(Base):
    """When, and for how long a day, an account is to read."""

    __tablename__ = "teen_modes"
    __table_args__ = (
        CheckConstraint("(opens IS NULL) = (closes IS NULL)", name="hours"),
        CheckConstraint("minutes IS NULL OR minutes BETWEEN 5 AND 1440", name="minutes"),
    )

    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal(
            Closing.DELETED,
            Merging.MOVED,
            ("opens", "closes", "minutes", "by_guardian", "set_at"),
        ),
    )
    opens: Mapped[str | None] = mapped_column(key_text(5))
    closes: Mapped[str | None] = mapped_column(key_text(5))
    """In China's time."""
    minutes: Mapped[int | None]
    by_guardian: Mapped[bool]
    """Then only the guardian changes it."""
    set_at: Mapped[datetime] = mapped_column(Instant)


class TeenDay(Base):
    """How long an account in teen mode was here on a day; forgotten two days later."""

    __tablename__ = "teen_days"

    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal(Closing.DELETED, Merging.MOVED, ("day", "minutes")),
    )
    day: Mapped[str] = mapped_column(key_text(10), primary_key=True)
    """Such as 2026-03-01, in China's time."""
    minutes: Mapped[int]
