"""titles to look up.

A table beside the records, so that filling it rewrites none of them and numbers no change.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from app.database import key_text
from search.analysis.tokens import key

revision = "0003"
down_revision = "0002"

BATCH = 5_000
LONGEST = 120


def upgrade() -> None:
    titles = op.create_table(
        "record_titles",
        sa.Column("record_id", key_text(36), nullable=False),
        sa.Column("key", key_text(LONGEST), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"],
            ["records.id"],
            name=op.f("fk_record_titles_record_id_records"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_record_titles")),
    )
    for batch in _records():
        keys = ((record_id, key(title)[:LONGEST]) for record_id, title in batch)
        op.bulk_insert(titles, [{"record_id": i, "key": found} for i, found in keys if found])
    op.create_index("ix_record_titles_key", "record_titles", ["key", "record_id"], unique=False)


def downgrade() -> None:
    op.drop_table("record_titles")


def _records() -> Iterator[list[tuple[str, str]]]:
    records = sa.table("records", sa.column("id"), sa.column("title"))
    after = ""
    while True:
        wanted = sa.select(records.c.id, records.c.title).where(records.c.id > after)
        rows = op.get_bind().execute(wanted.order_by(records.c.id).limit(BATCH)).all()
        if not rows:
            return
        yield [(row.id, row.title) for row in rows]
        after = rows[-1].id
