"""people and their devices.

Everything is added, nothing changed: the release before goes on beside it.
"""

import sqlalchemy as sa
from alembic import op

from app.database import key_text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    _devices()
    _copies()
    _uses()
    _cards()


def _copies() -> None:
    op.add_column("accounts", sa.Column("merged_into", key_text(32), nullable=True))
    op.create_index(op.f("ix_accounts_merged_into"), "accounts", ["merged_into"], unique=False)
    op.create_table(
        "exports",
        sa.Column("id", key_text(32), nullable=False),
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_exports_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    op.create_index(op.f("ix_exports_account_id"), "exports", ["account_id"], unique=False)
    op.create_index(op.f("ix_exports_expires_at"), "exports", ["expires_at"], unique=False)


def _devices() -> None:
    op.create_table(
        "device_passwords",
        sa.Column("id", key_text(32), nullable=False),
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("login", key_text(16), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("scopes", key_text(32), nullable=False),
        sa.Column("lookup", key_text(64), nullable=False),
        sa.Column("md5_lookup", key_text(64), nullable=False),
        sa.Column("grouped_md5_lookup", key_text(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("address", key_text(49), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_device_passwords_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_passwords")),
        sa.UniqueConstraint("lookup", name=op.f("uq_device_passwords_lookup")),
        sa.UniqueConstraint("md5_lookup", name=op.f("uq_device_passwords_md5_lookup")),
        sa.UniqueConstraint(
            "grouped_md5_lookup", name=op.f("uq_device_passwords_grouped_md5_lookup")
        ),
    )
    op.create_index(
        op.f("ix_device_passwords_account_id"), "device_passwords", ["account_id"], unique=False
    )
    op.create_table(
        "passkeys",
        sa.Column("id", key_text(32), nullable=False),
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("is_synced", sa.Boolean(), nullable=False),
        sa.Column("transports", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("address", key_text(49), nullable=False),
        sa.Column("cloned_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_passkeys_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential", name=op.f("uq_passkeys_credential")),
    )
    op.create_index(op.f("ix_passkeys_account_id"), "passkeys", ["account_id"], unique=False)
    op.create_table(
        "spent_challenges",
        sa.Column("digest", key_text(64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_challenges")),
    )
    op.create_index(
        op.f("ix_spent_challenges_expires_at"), "spent_challenges", ["expires_at"], unique=False
    )
    op.create_table(
        "identities",
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("lookup", key_text(64), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("mask", key_text(18), nullable=False),
        sa.Column("method", key_text(16), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_identities_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_identities")),
        sa.UniqueConstraint("lookup", name=op.f("uq_identities_lookup")),
    )
    op.create_table(
        "verifications",
        sa.Column("id", key_text(32), nullable=False),
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("method", key_text(16), nullable=False),
        sa.Column("state", key_text(16), nullable=False),
        sa.Column("reason", key_text(16), server_default="", nullable=False),
        sa.Column("mask", key_text(18), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(state = 'pending') = (sealed IS NOT NULL)",
            name=op.f("ck_verifications_sealed_while_pending"),
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'verified', 'refused', 'failed')",
            name=op.f("ck_verifications_state"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_verifications_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifications")),
    )
    op.create_index(
        op.f("ix_verifications_account_id_made_at"),
        "verifications",
        ["account_id", "made_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_verifications_state_expires_at"),
        "verifications",
        ["state", "expires_at"],
        unique=False,
    )
    op.create_index(
        "uq_verifications_pending",
        "verifications",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "desk_confirmations",
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("library_id", key_text(64), nullable=False),
        sa.Column("given_by", key_text(32), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_desk_confirmations_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["library_id"],
            ["libraries.id"],
            name=op.f("fk_desk_confirmations_library_id_libraries"),
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_desk_confirmations")),
    )
    op.create_table(
        "consents",
        sa.Column("id", key_text(36), nullable=False),
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("purpose", key_text(16), nullable=False),
        sa.Column("version", key_text(16), nullable=False),
        sa.Column("given_by", key_text(32), nullable=True),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_consents_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(
        op.f("ix_consents_account_id_purpose_given_at"),
        "consents",
        ["account_id", "purpose", "given_at"],
        unique=False,
    )
    op.create_table(
        "minors",
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("born_year", sa.Integer(), nullable=False),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("guardian_id", key_text(32), nullable=True),
        sa.Column("guardian_lookup", key_text(64), nullable=True),
        sa.Column("guardian_mask", key_text(64), nullable=True),
        sa.Column("consented_at", sa.BigInteger(), nullable=True),
        sa.Column("invitation", key_text(64), nullable=True),
        sa.Column("invited_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_minors_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["guardian_id"], ["accounts.id"], name=op.f("fk_minors_guardian_id_accounts")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_minors")),
        sa.UniqueConstraint("invitation", name=op.f("uq_minors_invitation")),
    )
    op.create_index(op.f("ix_minors_born_year"), "minors", ["born_year"], unique=False)
    op.create_index(op.f("ix_minors_guardian_id"), "minors", ["guardian_id"], unique=False)
    op.create_table(
        "teen_modes",
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("opens", key_text(5), nullable=True),
        sa.Column("closes", key_text(5), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("by_guardian", sa.Boolean(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(opens IS NULL) = (closes IS NULL)", name=op.f("ck_teen_modes_hours")),
        sa.CheckConstraint(
            "minutes IS NULL OR minutes BETWEEN 5 AND 1440", name=op.f("ck_teen_modes_minutes")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_teen_modes_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_teen_modes")),
    )
    op.create_table(
        "teen_days",
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("day", key_text(10), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_teen_days_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "day", name=op.f("pk_teen_days")),
    )


def _uses() -> None:
    op.create_table(
        "uses",
        sa.Column("id", key_text(32), nullable=False),
        sa.Column("record_id", key_text(36), nullable=False),
        sa.Column("parent_id", key_text(36), nullable=True),
        sa.Column("whole_id", key_text(36), nullable=True),
        sa.Column("library_id", key_text(64), nullable=False),
        sa.Column("account_id", key_text(32), nullable=True),
        sa.Column("session_id", key_text(32), nullable=True),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_uses_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uses")),
    )
    live = {
        "sqlite_where": sa.text("ended_at IS NULL"),
        "postgresql_where": sa.text("ended_at IS NULL"),
    }
    op.create_index("uq_uses_live", "uses", ["record_id", "account_id"], unique=True, **live)
    op.create_index("ix_uses_live_parent", "uses", ["parent_id"], unique=False, **live)
    op.create_index("ix_uses_live_whole", "uses", ["whole_id"], unique=False, **live)
    op.create_index("ix_uses_live_library", "uses", ["library_id"], unique=False, **live)
    op.create_index("ix_uses_live_until", "uses", ["until"], unique=False, **live)
    op.create_index(
        op.f("ix_uses_account_id_begun_at_id"),
        "uses",
        ["account_id", "begun_at", "id"],
        unique=False,
    )
    ended = {
        "sqlite_where": sa.text("ended_at IS NOT NULL"),
        "postgresql_where": sa.text("ended_at IS NOT NULL"),
    }
    op.create_index("ix_uses_ended_at", "uses", ["ended_at"], unique=False, **ended)
    op.create_table(
        "use_locks",
        sa.Column("place", key_text(80), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_use_locks")),
    )
    op.create_table(
        "turnaways",
        sa.Column("library_id", key_text(64), nullable=False),
        sa.Column("day", key_text(10), nullable=False),
        sa.Column("record_id", key_text(36), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("library_id", "day", "record_id", name=op.f("pk_turnaways")),
    )


def _cards() -> None:
    op.create_table(
        "reader_imports",
        sa.Column("id", key_text(36), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", key_text(64), nullable=False),
        sa.Column("format", key_text(16), nullable=False),
        sa.Column("account_id", key_text(32), nullable=True),
        sa.Column("state", key_text(16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("held_by", key_text(200), nullable=True),
        sa.Column("held_until", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("library_id", key_text(64), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("suspended", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'done', 'stopped', 'undone')",
            name=op.f("ck_reader_imports_state"),
        ),
        sa.ForeignKeyConstraint(
            ["library_id"], ["libraries.id"], name=op.f("fk_reader_imports_library_id_libraries")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reader_imports")),
    )
    running = {
        "sqlite_where": sa.text("state = 'running'"),
        "postgresql_where": sa.text("state = 'running'"),
    }
    op.create_index(
        "uq_reader_imports_running", "reader_imports", ["library_id"], unique=True, **running
    )
    op.create_index(
        op.f("ix_reader_imports_library_id_id"),
        "reader_imports",
        ["library_id", "id"],
        unique=False,
    )
    op.create_table(
        "reader_import_problems",
        sa.Column("import_id", key_text(36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("code", key_text(64), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["reader_imports.id"],
            name=op.f("fk_reader_import_problems_import_id_reader_imports"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_reader_import_problems")),
    )
    op.create_table(
        "cards",
        sa.Column("lookup", key_text(64), nullable=False),
        sa.Column("kind", key_text(16), server_default="card", nullable=False),
        sa.Column("library_id", key_text(64), nullable=False),
        sa.Column("state", key_text(16), server_default="open", nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("contact_kind", key_text(16), nullable=True),
        sa.Column("contact", sa.LargeBinary(), nullable=True),
        sa.Column("slip", key_text(64), nullable=True),
        sa.Column("slip_until", sa.BigInteger(), nullable=True),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.Column("said", key_text(64), server_default="", nullable=False),
        sa.Column("import_id", key_text(36), nullable=True),
        sa.Column("before", sa.LargeBinary(), nullable=True),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind = 'card'", name=op.f("ck_cards_kind")),
        sa.CheckConstraint(
            "state IN ('open', 'suspended', 'missing')", name=op.f("ck_cards_state")
        ),
        sa.CheckConstraint("contact IS NULL OR claimed_at IS NULL", name=op.f("ck_cards_contact")),
        sa.ForeignKeyConstraint(
            ["kind", "lookup"],
            ["handles.kind", "handles.lookup"],
            name=op.f("fk_cards_kind_lookup_handles"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["reader_imports.id"], name=op.f("fk_cards_import_id_reader_imports")
        ),
        sa.ForeignKeyConstraint(
            ["library_id"], ["libraries.id"], name=op.f("fk_cards_library_id_libraries")
        ),
        sa.PrimaryKeyConstraint("lookup", name=op.f("pk_cards")),
    )
    op.create_index(
        op.f("ix_cards_library_id_lookup"), "cards", ["library_id", "lookup"], unique=False
    )
    op.create_index(
        op.f("ix_cards_import_id_lookup"), "cards", ["import_id", "lookup"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_accounts_merged_into", "accounts")
    op.drop_column("accounts", "merged_into")
    op.drop_table("exports")
    for table in (
        "cards", "reader_import_problems", "reader_imports",
        "turnaways", "use_locks", "uses",
        "teen_days", "teen_modes", "minors", "consents", "desk_confirmations", "verifications",
        "identities", "spent_challenges", "passkeys", "device_passwords",
    ):  # fmt: skip
        op.drop_table(table)
