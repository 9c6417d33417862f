"""lists of a library's kinds, and why the index refused a record.

A library may hold very many records and none of a kind: without the kind in the index, the list
of that kind reads them all. What an import brought is undone page by page, each of which would
sort all of it; so would each page of the libraries below one. The release before asks by what the
new indexes begin with, and is served by them as they are. Of jobs SQLite took the index of states
for every question that names one. What waits for the search index has defaults for what is said of
it anew, so that the release before goes on marking records.
"""

import sqlalchemy as sa
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
    op.create_index("ix_libraries_parent", "libraries", ["parent_id", "path"], unique=False)
    op.drop_index("ix_libraries_parent_id", table_name="libraries")
    index_jobs("state")
    op.add_column("dirty_records", sa.Column("due", sa.BigInteger(), nullable=True))
    op.add_column(
        "dirty_records", sa.Column("attempts", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column(
        "dirty_records", sa.Column("reason", sa.String(), server_default="", nullable=False)
    )
    refused = sa.text("due IS NOT NULL")
    op.create_index(
        "ix_dirty_records_due",
        "dirty_records",
        ["due"],
        unique=False,
        sqlite_where=refused,
        postgresql_where=refused,
    )


def downgrade() -> None:
    op.drop_index("ix_dirty_records_due", table_name="dirty_records")
    for name in ("reason", "attempts", "due"):
        op.drop_column("dirty_records", name)
    index_jobs()
    op.create_index("ix_libraries_parent_id", "libraries", ["parent_id"], unique=False)
    op.drop_index("ix_libraries_parent", table_name="libraries")
    columns = ["import_id"]
    op.create_index("ix_record_revisions_import_id", "record_revisions", columns, unique=False)
    op.drop_index("ix_record_revisions_import", table_name="record_revisions")
    op.create_index("ix_records_import_id", "records", columns, unique=False)
    op.drop_index("ix_records_import", table_name="records")
    columns = ["library_id", "state", "added_at", "id"]
    op.create_index("ix_records_library", "records", columns, unique=False)
    op.drop_index("ix_records_library_kind", table_name="records")


def index_jobs(*first: str) -> None:
    for name, columns, condition in (
        ("ix_jobs_due", ["run_after", "id"], "state = 'waiting'"),
        ("ix_jobs_leased", ["claimed_until"], "state = 'running'"),
        ("ix_jobs_ended", ["finished_at"], "finished_at IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.drop_index(name, table_name="jobs")
        op.create_index(
            name, "jobs", [*first, *columns], sqlite_where=where, postgresql_where=where
        )
