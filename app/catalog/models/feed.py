"""The order of changes: what numbers them, so that a feed can be read without missing any.

Every insert and update of a record gives it a new ``change``, by triggers, so that no code can
forget it, neither ours nor that of the release before. On PostgreSQL the number is that of the
transaction: what is below the oldest transaction that still runs is complete. On SQLite writers
come one after the other, so a counter will do. See ``docs/adr/0011-the-change-feed.md``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Connection, Table, event, insert
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.models.records import RecordRow
from app.database import Base, key_text, random_id


class ChangeClock(Base):
    """One row: SQLite's counter, and the epoch in which cursors of the feed are good.

    A restored backup begins a new epoch, since it may give numbers a second time.
    """

    __tablename__ = "change_clock"
    __table_args__ = (CheckConstraint("one = 1", name="one"),)

    one: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[str] = mapped_column(key_text(32))


ON_SQLITE = (
    """CREATE TRIGGER records_change_inserted AFTER INSERT ON records WHEN NEW.change = 0 BEGIN
    UPDATE change_clock SET value = value + 1;
    UPDATE records SET change = (SELECT value FROM change_clock) WHERE rowid = NEW.rowid;
END""",
    """CREATE TRIGGER records_change_updated AFTER UPDATE ON records
WHEN NEW.change = OLD.change BEGIN
    UPDATE change_clock SET value = value + 1;
    UPDATE records SET change = (SELECT value FROM change_clock) WHERE rowid = NEW.rowid;
END""",
)
ON_POSTGRESQL = (
    """CREATE OR REPLACE FUNCTION number_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    NEW.change := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$""",
    """CREATE TRIGGER records_change BEFORE INSERT OR UPDATE ON records
FOR EACH ROW EXECUTE FUNCTION number_change()""",
)


def _wind(table: Table, connection: Connection, **_options: Any) -> None:
    connection.execute(insert(table).values(one=1, value=0, epoch=random_id()))


def _arm(_table: Table, connection: Connection, **_options: Any) -> None:
    for statement in ON_SQLITE if connection.dialect.name == "sqlite" else ON_POSTGRESQL:
        connection.exec_driver_sql(statement)


event.listen(ChangeClock.__table__, "after_create", _wind)
event.listen(RecordRow.__table__, "after_create", _arm)
