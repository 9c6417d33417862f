"""Table: apps on devices without a keyboard that wait to be let in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text


class DeviceRequest(Base):
    """What an app on a television or an e-reader asks for (RFC 8628 §3.2), until it was answered.

    Neither of its codes is kept: a digest of the long one, an HMAC of the short one.
    """

    __tablename__ = "device_requests"

    digest: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    """Of the device code."""
    user_code: Mapped[str] = mapped_column(key_text(64), unique=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id", ondelete="CASCADE"), index=True)
    scope: Mapped[str]
    """Space separated."""
    network: Mapped[str] = mapped_column(key_text(49), default="", server_default="")
    """From where it was asked, as the person is shown: /24 or /48."""
    authorization_id: Mapped[str | None] = mapped_column(
        ForeignKey("authorizations.id", ondelete="CASCADE"), index=True
    )
    """What was approved."""
    refused_at: Mapped[datetime | None] = mapped_column(Instant)
    pause: Mapped[int]
    """Seconds that are to lie between two questions (RFC 8628 §3.5)."""
    asked_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the app last asked."""
    made_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)
