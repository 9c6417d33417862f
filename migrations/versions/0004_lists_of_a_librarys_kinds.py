"""lists of a library's kinds.

A library may hold very many records and none of a kind: without the kind in the index, the list
of that kind reads them all. What an import brought is undone page by page, each of which would
sort all of it. The release before asks by a library and a kind, and by an import, and is served by
the new indexes as they are.
"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    columns = ["library_id", "kind", "state", "added_at", "id"]
    op.create_index("ix_records_library_kind", "records", columns, unique=False)
    op.drop_index("ix_records_library", table_name="records")
    op.create_index("ix_records_import", "records", ["import_id", "id"], unique=False)
    op.drop_index("ix_records_import_id", table_name="records")
    columns = ["import_id", "record_id", "version"]
    op.create_index("ix_record_revisions_import", "record_revisions", columns, unique=False)
    op.drop_index("ix_record_revisions_import_id", table_name="record_revisions")


def downgrade() -> None:
    columns = ["import_id"]
    op.create_index("ix_record_revisions_import_id", "record_revisions", columns, unique=False)
    op.drop_index("ix_record_revisions_import", table_name="record_revisions")
    op.create_index("ix_records_import_id", "records", columns, unique=False)
    op.drop_index("ix_records_import", table_name="records")
    columns = ["library_id", "state", "added_at", "id"]
    op.create_index("ix_records_library", "records", columns, unique=False)
    op.drop_index("ix_records_library_kind", table_name="records")
