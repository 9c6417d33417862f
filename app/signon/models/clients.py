"""Tables: the systems that people sign on to through this one, and who is signed on where."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text
from app.personal import Closing, Merging, personal


class Client(Base):
    """A system that takes our word for who somebody is.

    An OpenID Connect client (OpenID Connect Core 1.0 §1.2), or a CAS service (CAS 3.0 §2.1).
    """

    __tablename__ = "clients"
    __table_args__ = (
        CheckConstraint("protocol IN ('oidc', 'cas')", name="protocol"),
        Index(None, "library_id", "added_at", "id"),
    )

    id: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    """Random; the ``client_id``."""
    protocol: Mapped[str] = mapped_column(key_text(8))
    name: Mapped[str]
    """What people are shown when they are asked for consent."""
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    """Whose system it is: its staff, and those above, look after it."""
    settings: Mapped[bytes]
    """What the protocol needs to know, as JSON: addresses, scopes, ways to prove itself."""
    secret: Mapped[str | None] = mapped_column(key_text(64))
    """The digest of its secret; none of an app that cannot keep one (RFC 6749 §2.1)."""
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    added_at: Mapped[datetime] = mapped_column(Instant)
    suspended_at: Mapped[datetime | None] = mapped_column(Instant)


class ClientOrigin(Base):
    """Where a CAS service is, so that it is found by its address, however many there are."""

    __tablename__ = "client_origins"

    origin: Mapped[str] = mapped_column(key_text(300), primary_key=True)
    """Scheme, host and port."""
    client_id: Mapped[str] = mapped_column(
        ForeignKey("clients.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class SignOn(Base):
    """A session that was signed on to a client, so that the client is told when it ends.

    However the session ends, its going empties ``session_id``: what is to be told is found by that.
    """

    __tablename__ = "sign_ons"
    __table_args__ = (
        Index("ix_sign_ons_session_id_client_id", "session_id", "client_id"),
        Index(
            "ix_sign_ons_to_tell",
            "tell_at",
            sqlite_where=text("session_id IS NULL"),
            postgresql_where=text("session_id IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    """Random; the ``sid`` that an OpenID Connect client knows (Front-Channel Logout 1.0 §3)."""
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        index=True,
        info=personal(
            Closing.DELETED,
            Merging.KEPT,
            ("client_id", "service", "made_at"),
            why="the system is told of the end under the name that it knows",
        ),
    )
    session_id: Mapped[str | None] = mapped_column(
        ForeignKey("credentials.id", ondelete="SET NULL")
    )
    service: Mapped[str] = mapped_column(default="", server_default="")
    """Of CAS: the address that is told."""
    ticket: Mapped[str] = mapped_column(key_text(256), default="", server_default="")
    """Of CAS: the service ticket by which the system knows the session."""
    made_at: Mapped[datetime] = mapped_column(Instant)
    tell_at: Mapped[datetime] = mapped_column(Instant)
    """Not before this is it told that the session has ended."""
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
