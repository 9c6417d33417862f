"""Tables: what people asked to be given of what is kept about them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text
from app.personal import Closing, Merging, personal


class Export(Base):
    """A copy of everything that an account owns, made by a job; gone some days later."""

    __tablename__ = "exports"

    id: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        index=True,
        info=personal(Closing.DELETED, Merging.ENDED, why="it is the copy itself"),
    )
    document: Mapped[bytes | None] = mapped_column(deferred=True, deferred_raiseload=True)
    """JSON, compressed and sealed; none until it is made."""
    size: Mapped[int] = mapped_column(default=0)
    """Bytes of the JSON."""
    asked_at: Mapped[datetime] = mapped_column(Instant)
    made_at: Mapped[datetime | None] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)
