"""Tables: the access policies that have no name of their own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text


class PolicyRow(Base):
    """A policy by the name that its rules give it. Rows are added, never changed."""

    __tablename__ = "policies"

    name: Mapped[str] = mapped_column(key_text(16), primary_key=True)
    rules: Mapped[bytes]
    """JSON: see ``app.identity.policies.Rules``."""
    added_at: Mapped[datetime] = mapped_column(Instant)
