"""Tables: what people let clients do, from the code on, and what they agreed to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text
from app.personal import Closing, Merging, personal


class Authorization(Base):
    """What one sign-on lets a client do: first a code, then a family of refresh tokens.

    A refresh token has two halves: one lasts as long as the family and finds it, the other is
    another every time. Who shows the first without the second of now has one that was used.
    """

    __tablename__ = "authorizations"

    id: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        index=True,
        info=personal(Closing.DELETED, Merging.ENDED, why="secrets of a system"),
    )
    sign_on_id: Mapped[str | None] = mapped_column(
        ForeignKey("sign_ons.id", ondelete="SET NULL"), index=True
    )
    scope: Mapped[str]
    """Space separated. With ``offline_access`` it outlives the session."""
    auth_time: Mapped[datetime] = mapped_column(Instant)
    methods: Mapped[str] = mapped_column(default="", server_default="")
    """How the session was begun (RFC 8176), comma separated."""
    version: Mapped[int]
    """The account's, then: offline, nothing goes on when it has changed."""
    code: Mapped[str | None] = mapped_column(key_text(64), unique=True)
    """The digest of the code; a used one is kept, so that using it again is noticed."""
    code_used_at: Mapped[datetime | None] = mapped_column(Instant)
    redirect_uri: Mapped[str] = mapped_column(default="", server_default="")
    nonce: Mapped[str | None]
    challenge: Mapped[str] = mapped_column(key_text(64), default="", server_default="")
    """The S256 code challenge (RFC 7636)."""
    family: Mapped[str | None] = mapped_column(key_text(64), unique=True)
    """The digest of the lasting half of its refresh tokens."""
    turn: Mapped[str] = mapped_column(key_text(64), default="", server_default="")
    """The digest of the other half, as it is now."""
    made_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)
    """Of the code, then of the refresh token."""
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class Approval(Base):
    """What a person agreed that a client may learn and do."""

    __tablename__ = "approvals"

    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal(Closing.DELETED, Merging.MOVED, ("client_id", "scope", "given_at")),
    )
    client_id: Mapped[str] = mapped_column(
        ForeignKey("clients.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    scope: Mapped[str]
    """Space separated."""
    version: Mapped[int]
    """Of the words that were agreed to."""
    given_at: Mapped[datetime] = mapped_column(Instant)
