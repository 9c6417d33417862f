"""lists of a library's kinds.

A library may hold very many records and none of a kind: without the kind in the index, the list
of that kind reads them all. The release before lists by a library and a kind too, and is served
by the new index as it is.
"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    columns = ["library_id", "kind", "state", "added_at", "id"]
    op.create_index("ix_records_library_kind", "records", columns, unique=False)
    op.drop_index("ix_records_library", table_name="records")


def downgrade() -> None:
    columns = ["library_id", "state", "added_at", "id"]
    op.create_index("ix_records_library", "records", columns, unique=False)
    op.drop_index("ix_records_library_kind", table_name="records")
