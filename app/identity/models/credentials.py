"""Tables: secrets that stand for an account for a while, codes, and attempts that failed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text
from app.personal import Closing, Merging, personal


class Credential(Base):
    """A secret that stands for an account: a session, a service token, or a first sign-in link.

    Only a hash of the secret is kept. A link works once: using it deletes it.
    """

    __tablename__ = "credentials"
    __table_args__ = (
        CheckConstraint("kind IN ('session', 'token', 'link')", name="kind"),
        Index("uq_credentials_id", "id", unique=True),
    )

    digest: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    id: Mapped[str | None] = mapped_column(key_text(32))
    """By which its owner names it, to end it; it opens nothing."""
    kind: Mapped[str] = mapped_column(key_text(16))
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        index=True,
        info=personal(
            Closing.DELETED,
            Merging.ENDED,
            ("kind", "label", "device", "address", "methods", "made_at", "seen_at", "expires_at"),
        ),
    )
    label: Mapped[str] = mapped_column(default="")
    device: Mapped[str] = mapped_column(default="", server_default="")
    """What the browser said of itself, in words."""
    address: Mapped[str] = mapped_column(key_text(49), default="", server_default="")
    """The network it was last used from: /24 or /48, no more."""
    methods: Mapped[str] = mapped_column(default="", server_default="")
    """How it was begun: ``pwd``, ``otp``, ``sms``, ``link`` … (RFC 8176), comma separated."""
    made_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime | None] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


class Code(Base):
    """A code that was sent to a phone or an address, to prove that it reaches the person."""

    __tablename__ = "codes"
    __table_args__ = (Index(None, "lookup", "purpose"),)

    id: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    purpose: Mapped[str] = mapped_column(key_text(16))
    """sign-up, sign-in, recover or add."""
    account_id: Mapped[str | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        index=True,
        info=personal(Closing.DELETED, Merging.ENDED, why="secrets of ten minutes"),
    )
    kind: Mapped[str] = mapped_column(key_text(16))
    lookup: Mapped[str] = mapped_column(key_text(64))
    sealed: Mapped[bytes]
    """Where it was sent."""
    digest: Mapped[str] = mapped_column(key_text(64), default="")
    """Empty until the code is made, which is when it is sent."""
    tries: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


class Attempts(Base):
    """How often something was tried in a span of time, by whom or on what."""

    __tablename__ = "attempts"

    key: Mapped[str] = mapped_column(key_text(96), primary_key=True)
    """What, and a hash of whom or on what."""
    count: Mapped[int]
    since: Mapped[datetime] = mapped_column(Instant)
    until: Mapped[datetime] = mapped_column(Instant, index=True)
    """When it is forgotten."""
