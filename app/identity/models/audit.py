"""Tables: who did what to whom, only added to, and the seals that show that nothing was changed.

Triggers refuse to change or remove what is there. See ``docs/operations/audit.md``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Index, Table, event
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text
from app.personal import kept


class AuditEvent(Base):
    """One thing that was done. There are no references: it outlives what it is about."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index(None, "library_id", "at", "id"),
        Index(None, "actor", "at", "id"),
        Index(None, "subject", "at", "id"),
        Index(None, "action", "at", "id"),
        Index(None, "at", "id"),
    )

    id: Mapped[str] = mapped_column(key_text(36), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str | None] = mapped_column(
        key_text(32), info=kept("what was done is never changed")
    )
    """The account; ``None`` for a command or the worker."""
    action: Mapped[str] = mapped_column(key_text(48))
    subject: Mapped[str] = mapped_column(key_text(80))
    """``account:…``, ``library:…``: what it was done to."""
    library_id: Mapped[str | None] = mapped_column(key_text(64))
    """In whose subtree it is seen."""
    address: Mapped[str] = mapped_column(key_text(49), default="", server_default="")
    request_id: Mapped[str] = mapped_column(key_text(64), default="", server_default="")
    detail: Mapped[bytes] = mapped_column(default=b"{}")
    """JSON, without personal data."""


class AuditPending(Base):
    """An event that no seal holds yet: added with it, removed with the leaf that is made of it.

    So none is forgotten, in whatever order transactions commit, and none is looked for.
    """

    __tablename__ = "audit_pending"

    event_id: Mapped[str] = mapped_column(key_text(36), primary_key=True)


class AuditSeal(Base):
    """The root of a Merkle tree over the events of a minute, chained to the one before."""

    __tablename__ = "audit_seals"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Instant)
    count: Mapped[int]
    root: Mapped[str] = mapped_column(key_text(64))
    previous: Mapped[str] = mapped_column(key_text(64))
    seal: Mapped[str] = mapped_column(key_text(64))
    """SHA-256 over the number, the time, the count, the root and the seal before."""


class AuditLeaf(Base):
    """Which seal holds an event, and where in its tree."""

    __tablename__ = "audit_leaves"
    __table_args__ = (Index("uq_audit_leaves_seal_place", "seal", "place", unique=True),)

    event_id: Mapped[str] = mapped_column(key_text(36), primary_key=True)
    seal: Mapped[int] = mapped_column(BigInteger)
    place: Mapped[int]
    hash: Mapped[str] = mapped_column(key_text(64))
    """Of the event, as a leaf (RFC 6962)."""


def refusing(table: str, dialect: str) -> tuple[str, ...]:
    """The statements after which the rows of a table can neither be changed nor removed."""
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER {table}_{verb}_refused BEFORE {verb.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is only added to'); END"
            for verb in ("update", "delete")
        )
    return (
        """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
        MESSAGE = TG_TABLE_NAME || ' is only added to';
END $$""",
        f"""CREATE TRIGGER {table}_change_refused BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION refuse_change()""",
    )


def _arm(table: Table, connection: Connection, **_options: Any) -> None:
    for statement in refusing(table.name, connection.dialect.name):
        connection.exec_driver_sql(statement)


for _model in (AuditEvent, AuditSeal, AuditLeaf):
    event.listen(_model.__table__, "after_create", _arm)
