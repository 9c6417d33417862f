"""one account in every library.

Libraries get a state, a history, networks and counts; accounts what they sign in by, their
passwords and second proofs, codes and attempts; sessions can be told apart; what is done is
audited. Everything is added, nothing changed: the release before goes on beside it.
"""

import sqlalchemy as sa
from alembic import op

from app.database import key_text

revision = "0005"
down_revision = "0004"

ONLY_ADDED_TO = ("audit_events", "audit_leaves", "audit_seals")


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("key", key_text(96), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_until"), "attempts", ["until"], unique=False)
    op.create_table(
        "audit_events",
        sa.Column("id", key_text(36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", key_text(32), nullable=True),
        sa.Column("action", key_text(48), nullable=False),
        sa.Column("subject", key_text(80), nullable=False),
        sa.Column("library_id", key_text(64), nullable=True),
        sa.Column("address", key_text(49), server_default="", nullable=False),
        sa.Column("request_id", key_text(64), server_default="", nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index(
        op.f("ix_audit_events_action_at_id"), "audit_events", ["action", "at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_audit_events_actor_at_id"), "audit_events", ["actor", "at", "id"], unique=False
    )
    op.create_index(op.f("ix_audit_events_at_id"), "audit_events", ["at", "id"], unique=False)
    op.create_index(
        op.f("ix_audit_events_library_id_at_id"),
        "audit_events",
        ["library_id", "at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_audit_events_subject_at_id"), "audit_events", ["subject", "at", "id"], unique=False
    )
    op.create_table(
        "audit_leaves",
        sa.Column("event_id", key_text(36), nullable=False),
        sa.Column("seal", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("hash", key_text(64), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_leaves")),
    )
    op.create_index("uq_audit_leaves_seal_place", "audit_leaves", ["seal", "place"], unique=True)
    op.create_table(
        "audit_pending",
        sa.Column("event_id", key_text(36), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_pending")),
    )
    op.create_table(
        "audit_seals",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("root", key_text(64), nullable=False),
        sa.Column("previous", key_text(64), nullable=False),
        sa.Column("seal", key_text(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_seals")),
    )
    for statement in _refusals():
        op.execute(statement)
    op.create_table(
        "library_applications",
        sa.Column("library_id", key_text(64), nullable=False),
        sa.Column("contact", sa.LargeBinary(), nullable=False),
        sa.Column("message", sa.String(), server_default="", nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["library_id"],
            ["libraries.id"],
            name=op.f("fk_library_applications_library_id_libraries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("library_id", name=op.f("pk_library_applications")),
    )
    op.create_table(
        "library_counts",
        sa.Column("library_id", key_text(64), nullable=False),
        sa.Column("readers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("verified", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["library_id"],
            ["libraries.id"],
            name=op.f("fk_library_counts_library_id_libraries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("library_id", name=op.f("pk_library_counts")),
    )
    op.create_table(
        "library_events",
        sa.Column("id", key_text(36), nullable=False),
        sa.Column("library_id", key_text(64), nullable=False),
        sa.Column("kind", key_text(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("account_id", key_text(32), nullable=True),
        sa.Column("below", key_text(64), nullable=True),
        sa.Column("note", sa.String(), server_default="", nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["library_id"],
            ["libraries.id"],
            name=op.f("fk_library_events_library_id_libraries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library_events")),
    )
    op.create_index(
        op.f("ix_library_events_library_id_id"),
        "library_events",
        ["library_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_library_events_below_id"), "library_events", ["below", "id"], unique=False
    )
    op.create_table(
        "library_networks",
        sa.Column("id", key_text(32), nullable=False),
        sa.Column("library_id", key_text(64), nullable=False),
        sa.Column("cidr", key_text(49), nullable=False),
        sa.Column("link", key_text(16), nullable=False),
        sa.Column("label", sa.String(), server_default="", nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["library_id"],
            ["libraries.id"],
            name=op.f("fk_library_networks_library_id_libraries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library_networks")),
        sa.UniqueConstraint("library_id", "cidr", name=op.f("uq_library_networks_library_id_cidr")),
    )
    op.create_index(op.f("ix_library_networks_cidr"), "library_networks", ["cidr"], unique=False)
    op.create_table(
        "library_profiles",
        sa.Column("library_id", key_text(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("profile", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["library_id"],
            ["libraries.id"],
            name=op.f("fk_library_profiles_library_id_libraries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("library_id", name=op.f("pk_library_profiles")),
    )
    op.create_table(
        "authenticators",
        sa.Column("id", key_text(32), nullable=False),
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("kind", key_text(16), nullable=False),
        sa.Column("label", sa.String(), server_default="", nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('totp', 'recovery')", name=op.f("ck_authenticators_kind")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_authenticators_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authenticators")),
    )
    op.create_index(
        op.f("ix_authenticators_account_id"), "authenticators", ["account_id"], unique=False
    )
    op.create_table(
        "codes",
        sa.Column("id", key_text(32), nullable=False),
        sa.Column("purpose", key_text(16), nullable=False),
        sa.Column("account_id", key_text(32), nullable=True),
        sa.Column("kind", key_text(16), nullable=False),
        sa.Column("lookup", key_text(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("digest", key_text(64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_codes_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_codes")),
    )
    op.create_index(op.f("ix_codes_account_id"), "codes", ["account_id"], unique=False)
    op.create_index(op.f("ix_codes_expires_at"), "codes", ["expires_at"], unique=False)
    op.create_index(op.f("ix_codes_lookup_purpose"), "codes", ["lookup", "purpose"], unique=False)
    op.create_table(
        "handles",
        sa.Column("kind", key_text(16), nullable=False),
        sa.Column("lookup", key_text(64), nullable=False),
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("library_id", key_text(64), nullable=True),
        sa.Column("mask", key_text(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_handles_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["library_id"], ["libraries.id"], name=op.f("fk_handles_library_id_libraries")
        ),
        sa.PrimaryKeyConstraint("kind", "lookup", name=op.f("pk_handles")),
    )
    op.create_index(op.f("ix_handles_account_id"), "handles", ["account_id"], unique=False)
    op.create_table(
        "passwords",
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_passwords_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_passwords")),
    )
    op.create_table(
        "policies",
        sa.Column("name", key_text(16), nullable=False),
        sa.Column("rules", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_policies")),
    )
    op.add_column(
        "accounts", sa.Column("name_key", key_text(64), server_default="", nullable=False)
    )
    op.add_column(
        "accounts",
        sa.Column(
            "home_id",
            key_text(64),
            sa.ForeignKey("libraries.id", name="fk_accounts_home_id_libraries"),
            nullable=True,
        ),
        inline_references=True,
    )
    op.add_column(
        "accounts", sa.Column("assurance", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column(
        "accounts", sa.Column("version", sa.Integer(), server_default="1", nullable=False)
    )
    op.add_column("accounts", sa.Column("suspended_at", sa.BigInteger(), nullable=True))
    op.add_column("accounts", sa.Column("closing_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_accounts_home", "accounts", ["home_id", "added_at", "id"], unique=False)
    op.create_index(
        "ix_accounts_home_name", "accounts", ["home_id", "name_key", "id"], unique=False
    )
    op.add_column("credentials", sa.Column("id", key_text(32), nullable=True))
    op.add_column(
        "credentials", sa.Column("device", sa.String(), server_default="", nullable=False)
    )
    op.add_column(
        "credentials", sa.Column("address", key_text(49), server_default="", nullable=False)
    )
    op.add_column(
        "credentials", sa.Column("methods", sa.String(), server_default="", nullable=False)
    )
    op.add_column("credentials", sa.Column("seen_at", sa.BigInteger(), nullable=True))
    op.create_index("uq_credentials_id", "credentials", ["id"], unique=True)
    op.add_column("grants", sa.Column("given_by", key_text(32), nullable=True))
    op.add_column("grants", sa.Column("given_at", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_grants_library_id"), "grants", ["library_id"], unique=False)
    op.add_column(
        "libraries", sa.Column("state", key_text(16), server_default="joined", nullable=False)
    )
    op.add_column(
        "libraries", sa.Column("version", sa.Integer(), server_default="1", nullable=False)
    )
    op.add_column(
        "libraries", sa.Column("left_step", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("libraries", sa.Column("policy", key_text(16), nullable=True))


def _refusals() -> tuple[str, ...]:
    if op.get_context().dialect.name == "sqlite":
        return tuple(
            f"CREATE TRIGGER {table}_{verb}_refused BEFORE {verb.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is only added to'); END"
            for table in ONLY_ADDED_TO
            for verb in ("update", "delete")
        )
    return (
        """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
        MESSAGE = TG_TABLE_NAME || ' is only added to';
END $$""",
        *(
            f"CREATE TRIGGER {table}_change_refused BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            for table in ONLY_ADDED_TO
        ),
    )


def _refusals() -> tuple[str, ...]:
    if op.get_context().dialect.name == "sqlite":
        return tuple(
            f"CREATE TRIGGER {table}_{verb}_refused BEFORE {verb.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is only added to'); END"
            for table in ONLY_ADDED_TO
            for verb in ("update", "delete")
        )
    return (
        """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
        MESSAGE = TG_TABLE_NAME || ' is only added to';
END $$""",
        *(
            f"""CREATE TRIGGER {table}_change_refused BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION refuse_change()"""
            for table in ONLY_ADDED_TO
        ),
    )


def downgrade() -> None:
    op.drop_column("libraries", "policy")
    op.drop_column("libraries", "left_step")
    op.drop_column("libraries", "version")
    op.drop_column("libraries", "state")
    op.drop_index(op.f("ix_grants_library_id"), table_name="grants")
    op.drop_column("grants", "given_at")
    op.drop_column("grants", "given_by")
    op.drop_index("uq_credentials_id", table_name="credentials")
    op.drop_column("credentials", "seen_at")
    op.drop_column("credentials", "methods")
    op.drop_column("credentials", "address")
    op.drop_column("credentials", "device")
    op.drop_column("credentials", "id")
    op.drop_index("ix_accounts_home_name", table_name="accounts")
    op.drop_index("ix_accounts_home", table_name="accounts")
    op.drop_column("accounts", "closing_at")
    op.drop_column("accounts", "suspended_at")
    op.drop_column("accounts", "version")
    op.drop_column("accounts", "assurance")
    op.drop_column("accounts", "home_id")
    op.drop_column("accounts", "name_key")
    op.drop_table("policies")
    op.drop_table("passwords")
    op.drop_index(op.f("ix_handles_account_id"), table_name="handles")
    op.drop_table("handles")
    op.drop_index(op.f("ix_codes_lookup_purpose"), table_name="codes")
    op.drop_index(op.f("ix_codes_expires_at"), table_name="codes")
    op.drop_index(op.f("ix_codes_account_id"), table_name="codes")
    op.drop_table("codes")
    op.drop_index(op.f("ix_authenticators_account_id"), table_name="authenticators")
    op.drop_table("authenticators")
    op.drop_table("library_profiles")
    op.drop_index(op.f("ix_library_networks_cidr"), table_name="library_networks")
    op.drop_table("library_networks")
    op.drop_index(op.f("ix_library_events_below_id"), table_name="library_events")
    op.drop_index(op.f("ix_library_events_library_id_id"), table_name="library_events")
    op.drop_table("library_events")
    op.drop_table("library_counts")
    op.drop_table("library_applications")
    op.drop_table("audit_seals")
    op.drop_table("audit_pending")
    op.drop_index("uq_audit_leaves_seal_place", table_name="audit_leaves")
    op.drop_table("audit_leaves")
    op.drop_index(op.f("ix_audit_events_subject_at_id"), table_name="audit_events")
    op.drop_index(op.f("ix_audit_events_library_id_at_id"), table_name="audit_events")
    op.drop_index(op.f("ix_audit_events_at_id"), table_name="audit_events")
    op.drop_index(op.f("ix_audit_events_actor_at_id"), table_name="audit_events")
    op.drop_index(op.f("ix_audit_events_action_at_id"), table_name="audit_events")
    op.drop_table("audit_events")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
    op.drop_index(op.f("ix_attempts_until"), table_name="attempts")
    op.drop_table("attempts")
