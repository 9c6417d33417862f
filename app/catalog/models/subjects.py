"""Classifications that can be browsed as a tree."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, key_text


class SubjectNode(Base):
    """A class of a classification, such as ``I242`` of the Chinese Library Classification."""

    __tablename__ = "subjects"
    __table_args__ = (Index("ix_subjects_parent", "scheme", "parent_code", "code"),)

    scheme: Mapped[str] = mapped_column(key_text(16), primary_key=True)
    code: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    label: Mapped[str]
    label_en: Mapped[str] = mapped_column(default="")
    parent_code: Mapped[str | None] = mapped_column(key_text(64))
    has_children: Mapped[bool] = mapped_column(default=False)
