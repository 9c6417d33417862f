"""Tables: passwords of apps that know no better, passkeys, and challenges that were met."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text
from app.personal import Closing, Merging, personal


class DevicePassword(Base):
    """A password of one app on one device, of 128 random bits; only hashes of it are kept."""

    __tablename__ = "device_passwords"

    id: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        index=True,
        info=personal(
            Closing.DELETED,
            Merging.MOVED,
            ("login", "label", "scopes", "made_at", "used_at", "address"),
        ),
    )
    login: Mapped[str] = mapped_column(key_text(16))
    """The user name that goes with it: it stays what it was when accounts are merged."""
    label: Mapped[str]
    scopes: Mapped[str] = mapped_column(key_text(32))
    """What it opens: ``kosync``, ``opds``, comma separated."""
    lookup: Mapped[str] = mapped_column(key_text(64), unique=True)
    md5_lookup: Mapped[str] = mapped_column(key_text(64), unique=True)
    """Of its MD5, which is what KOReader sends."""
    grouped_md5_lookup: Mapped[str] = mapped_column(key_text(64), unique=True)
    """Of its MD5 where it was typed with its hyphens."""
    made_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    address: Mapped[str] = mapped_column(key_text(49), default="")
    """The network it was last used from: /24 or /48, no more."""


class Passkey(Base):
    """The public half of a key that a device or a password manager keeps (WebAuthn level 3)."""

    __tablename__ = "passkeys"

    id: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        index=True,
        info=personal(
            Closing.DELETED,
            Merging.ENDED,
            ("label", "is_synced", "added_at", "used_at", "address"),
        ),
    )
    credential: Mapped[bytes] = mapped_column(unique=True)
    """The credential id: at most 1,023 bytes (§ 4)."""
    public_key: Mapped[bytes]
    """COSE_Key."""
    sign_count: Mapped[int] = mapped_column(BigInteger)
    is_synced: Mapped[bool]
    """Whether it may be copied between devices (backup eligible, § 6.1.3)."""
    transports: Mapped[str] = mapped_column(default="")
    label: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    address: Mapped[str] = mapped_column(key_text(49), default="")
    cloned_at: Mapped[datetime | None] = mapped_column(Instant)
    """Since when it is refused, because its counter went back: there are two of it."""


class SpentChallenge(Base):
    """A challenge that was met: none is met twice."""

    __tablename__ = "spent_challenges"

    digest: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)
    """When it would not be taken anyway, and is forgotten."""
