"""Table: the tickets of CAS, while they live."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text
from app.personal import Closing, Merging, personal


class Ticket(Base):
    """A ticket of CAS (CAS Protocol 3.0.3 §3), kept as a digest; it goes with its session."""

    __tablename__ = "tickets"
    __table_args__ = (CheckConstraint("kind IN ('service', 'proxy', 'granting')", name="kind"),)

    digest: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    kind: Mapped[str] = mapped_column(key_text(8))
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id", ondelete="CASCADE"), index=True)
    """For whom it is; of a proxy-granting ticket, who has it."""
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        index=True,
        info=personal(Closing.DELETED, Merging.ENDED, why="secrets of a session"),
    )
    session_id: Mapped[str] = mapped_column(
        ForeignKey("credentials.id", ondelete="CASCADE"), index=True
    )
    service: Mapped[str] = mapped_column(default="")
    """The very address that it is good for; of a proxy-granting ticket there is none."""
    is_new_login: Mapped[bool] = mapped_column(default=False)
    """Whether the person signed in to get it, and was not signed in before."""
    proxies: Mapped[bytes] = mapped_column(default=b"[]")
    """The callback addresses that it came through, the last first, as JSON."""
    made_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)
