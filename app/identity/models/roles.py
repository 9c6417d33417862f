"""Tables: which roles an account has, and where."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text
from app.personal import Closing, Merging, kept, personal


class Grant(Base):
    """A role that an account has on a library and all below it."""

    __tablename__ = "grants"

    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal(
            Closing.DELETED,
            Merging.REFUSED,
            ("role", "library_id", "given_at"),
            why="nobody's power grows by a merge",
        ),
    )
    role: Mapped[str] = mapped_column(key_text(32), primary_key=True)
    library_id: Mapped[str] = mapped_column(
        ForeignKey("libraries.id"), primary_key=True, index=True
    )
    given_by: Mapped[str | None] = mapped_column(
        key_text(32), info=kept("the role is somebody else's")
    )
    given_at: Mapped[datetime | None] = mapped_column(Instant)
