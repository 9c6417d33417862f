"""changes are numbered.

Records that are there already keep the number 0: their ids are in the order in which they were
added, and a feed goes by number, then id. So nothing is rewritten, however many there are.
"""

import secrets

import sqlalchemy as sa
from alembic import op

from app.database import key_text

revision = "0002"
down_revision = "0001"

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


def upgrade() -> None:
    clock = op.create_table(
        "change_clock",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("epoch", key_text(32), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_change_clock_one")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_change_clock")),
    )
    op.bulk_insert(clock, [{"one": 1, "value": 0, "epoch": secrets.token_hex(16)}])
    op.add_column(
        "records", sa.Column("change", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_index("ix_records_change", "records", ["change", "id"], unique=False)
    for statement in _triggers():
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER records_change_inserted")
        op.execute("DROP TRIGGER records_change_updated")
    else:
        op.execute("DROP TRIGGER records_change ON records")
        op.execute("DROP FUNCTION number_change()")
    op.drop_index("ix_records_change", table_name="records")
    op.drop_column("records", "change")
    op.drop_table("change_clock")


def _triggers() -> tuple[str, ...]:
    return ON_SQLITE if op.get_bind().dialect.name == "sqlite" else ON_POSTGRESQL
