"""Tables: the identity providers of libraries, and who is known to them as whom."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text
from app.personal import Closing, Merging, kept, personal


class Provider(Base):
    """A library's own sign-on, or WeChat's, whose word is taken for who somebody is."""

    __tablename__ = "identity_providers"
    __table_args__ = (
        CheckConstraint("protocol IN ('oidc', 'cas', 'wechat')", name="protocol"),
        CheckConstraint("assurance BETWEEN 0 AND 2", name="assurance"),
        Index(None, "library_id", "added_at", "id"),
    )

    id: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    protocol: Mapped[str] = mapped_column(key_text(8))
    name: Mapped[str]
    address: Mapped[str] = mapped_column(key_text(500))
    """The issuer (OpenID Connect Discovery 1.0 §3), or where the addresses of the CAS server,
    or of WeChat's, begin."""
    client_id: Mapped[str] = mapped_column(key_text(255), default="", server_default="")
    """By which it knows us; CAS knows us by our address."""
    secret: Mapped[bytes | None]
    """Sealed; none where PKCE alone is what it asks for."""
    assurance: Mapped[int] = mapped_column(default=0, server_default="0")
    """How well whoever comes from there is known: at most 2, as at the library."""
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    added_at: Mapped[datetime] = mapped_column(Instant)
    suspended_at: Mapped[datetime | None] = mapped_column(Instant)


class ProviderIdentity(Base):
    """Somebody whom a provider knows, and whose account that is here."""

    __tablename__ = "provider_identities"

    provider_id: Mapped[str] = mapped_column(
        ForeignKey("identity_providers.id", ondelete="CASCADE"), primary_key=True
    )
    lookup: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    """Of the subject, which may be the number of a card: it is not kept."""
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        index=True,
        info=personal(Closing.DELETED, Merging.MOVED, ("provider_id", "linked_at", "used_at")),
    )
    linked_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime] = mapped_column(Instant)


class ProviderVisit(Base):
    """Somebody who was sent to a provider and is awaited: for ten minutes, once.

    What the answer is checked by is made of the state and of a cookie; only hashes are kept.
    """

    __tablename__ = "provider_visits"

    state: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    browser: Mapped[str] = mapped_column(key_text(64))
    provider_id: Mapped[str] = mapped_column(
        ForeignKey("identity_providers.id", ondelete="CASCADE"), index=True
    )
    account_id: Mapped[str | None] = mapped_column(
        key_text(32), info=kept("forgotten after ten minutes")
    )
    """Whom it is to be linked to; nobody's, where somebody signs in."""
    born_year: Mapped[int | None]
    """Of somebody under eighteen who comes the first time."""
    onwards: Mapped[str] = mapped_column(default="/", server_default="/")
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)
