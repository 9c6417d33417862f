"""signing on to other systems.

The systems that people sign on to, and who is signed on where. Everything is added, nothing
changed: the release before goes on beside it.
"""

import sqlalchemy as sa
from alembic import op

from app.database import key_text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "clients",
        sa.Column("id", key_text(32), nullable=False),
        sa.Column("protocol", key_text(8), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("library_id", key_text(64), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.Column("secret", key_text(64), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("suspended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("protocol IN ('oidc', 'cas')", name=op.f("ck_clients_protocol")),
        sa.ForeignKeyConstraint(
            ["library_id"], ["libraries.id"], name=op.f("fk_clients_library_id_libraries")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
    )
    op.create_index(
        op.f("ix_clients_library_id_added_at_id"),
        "clients",
        ["library_id", "added_at", "id"],
        unique=False,
    )
    op.create_table(
        "client_origins",
        sa.Column("origin", key_text(300), nullable=False),
        sa.Column("client_id", key_text(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients.id"],
            name=op.f("fk_client_origins_client_id_clients"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("origin", "client_id", name=op.f("pk_client_origins")),
    )
    op.create_index(
        op.f("ix_client_origins_client_id"), "client_origins", ["client_id"], unique=False
    )
    op.create_table(
        "sign_ons",
        sa.Column("id", key_text(32), nullable=False),
        sa.Column("client_id", key_text(32), nullable=False),
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("session_id", key_text(32), nullable=True),
        sa.Column("service", sa.String(), server_default="", nullable=False),
        sa.Column("ticket", key_text(256), server_default="", nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("tell_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients.id"],
            name=op.f("fk_sign_ons_client_id_clients"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_sign_ons_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["credentials.id"],
            name=op.f("fk_sign_ons_session_id_credentials"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ons")),
    )
    op.create_index(op.f("ix_sign_ons_client_id"), "sign_ons", ["client_id"], unique=False)
    op.create_index(op.f("ix_sign_ons_account_id"), "sign_ons", ["account_id"], unique=False)
    op.create_index(
        "ix_sign_ons_session_id_client_id", "sign_ons", ["session_id", "client_id"], unique=False
    )
    op.create_index(
        "ix_sign_ons_to_tell", "sign_ons", ["tell_at"], unique=False,
        sqlite_where=sa.text("session_id IS NULL"), postgresql_where=sa.text("session_id IS NULL"),
    )  # fmt: skip
    op.create_table(
        "authorizations",
        sa.Column("id", key_text(32), nullable=False),
        sa.Column("client_id", key_text(32), nullable=False),
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("sign_on_id", key_text(32), nullable=True),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("auth_time", sa.BigInteger(), nullable=False),
        sa.Column("methods", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("code", key_text(64), nullable=True),
        sa.Column("code_used_at", sa.BigInteger(), nullable=True),
        sa.Column("redirect_uri", sa.String(), server_default="", nullable=False),
        sa.Column("nonce", sa.String(), nullable=True),
        sa.Column("challenge", key_text(64), server_default="", nullable=False),
        sa.Column("family", key_text(64), nullable=True),
        sa.Column("turn", key_text(64), server_default="", nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients.id"],
            name=op.f("fk_authorizations_client_id_clients"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_authorizations_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sign_on_id"],
            ["sign_ons.id"],
            name=op.f("fk_authorizations_sign_on_id_sign_ons"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorizations")),
        sa.UniqueConstraint("code", name=op.f("uq_authorizations_code")),
        sa.UniqueConstraint("family", name=op.f("uq_authorizations_family")),
    )
    for name in ("client_id", "account_id", "sign_on_id", "expires_at"):
        op.create_index(op.f(f"ix_authorizations_{name}"), "authorizations", [name], unique=False)
    op.create_table(
        "approvals",
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("client_id", key_text(32), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_approvals_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients.id"],
            name=op.f("fk_approvals_client_id_clients"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "client_id", name=op.f("pk_approvals")),
    )
    op.create_index(op.f("ix_approvals_client_id"), "approvals", ["client_id"], unique=False)
    op.create_table(
        "device_requests",
        sa.Column("digest", key_text(64), nullable=False),
        sa.Column("user_code", key_text(64), nullable=False),
        sa.Column("client_id", key_text(32), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("network", key_text(49), server_default="", nullable=False),
        sa.Column("authorization_id", key_text(32), nullable=True),
        sa.Column("refused_at", sa.BigInteger(), nullable=True),
        sa.Column("pause", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients.id"],
            name=op.f("fk_device_requests_client_id_clients"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["authorization_id"],
            ["authorizations.id"],
            name=op.f("fk_device_requests_authorization_id_authorizations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_device_requests")),
        sa.UniqueConstraint("user_code", name=op.f("uq_device_requests_user_code")),
    )
    for name in ("client_id", "authorization_id", "expires_at"):
        op.create_index(op.f(f"ix_device_requests_{name}"), "device_requests", [name], unique=False)
    op.create_table(
        "tickets",
        sa.Column("digest", key_text(64), nullable=False),
        sa.Column("kind", key_text(8), nullable=False),
        sa.Column("client_id", key_text(32), nullable=False),
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("session_id", key_text(32), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("is_new_login", sa.Boolean(), nullable=False),
        sa.Column("proxies", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('service', 'proxy', 'granting')", name=op.f("ck_tickets_kind")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients.id"],
            name=op.f("fk_tickets_client_id_clients"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_tickets_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["credentials.id"],
            name=op.f("fk_tickets_session_id_credentials"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tickets")),
    )
    for name in ("client_id", "account_id", "session_id", "expires_at"):
        op.create_index(op.f(f"ix_tickets_{name}"), "tickets", [name], unique=False)
    _providers()


def _providers() -> None:
    op.create_table(
        "identity_providers",
        sa.Column("id", key_text(32), nullable=False),
        sa.Column("library_id", key_text(64), nullable=False),
        sa.Column("protocol", key_text(8), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", key_text(500), nullable=False),
        sa.Column("client_id", key_text(255), server_default="", nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("assurance", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("suspended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "protocol IN ('oidc', 'cas', 'wechat')", name=op.f("ck_identity_providers_protocol")
        ),
        sa.CheckConstraint(
            "assurance BETWEEN 0 AND 2", name=op.f("ck_identity_providers_assurance")
        ),
        sa.ForeignKeyConstraint(
            ["library_id"],
            ["libraries.id"],
            name=op.f("fk_identity_providers_library_id_libraries"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_providers")),
    )
    op.create_index(
        op.f("ix_identity_providers_library_id_added_at_id"),
        "identity_providers",
        ["library_id", "added_at", "id"],
        unique=False,
    )
    op.create_table(
        "provider_identities",
        sa.Column("provider_id", key_text(32), nullable=False),
        sa.Column("lookup", key_text(64), nullable=False),
        sa.Column("account_id", key_text(32), nullable=False),
        sa.Column("linked_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["identity_providers.id"],
            name=op.f("fk_provider_identities_provider_id_identity_providers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_provider_identities_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("provider_id", "lookup", name=op.f("pk_provider_identities")),
    )
    op.create_index(
        op.f("ix_provider_identities_account_id"),
        "provider_identities",
        ["account_id"],
        unique=False,
    )
    op.create_table(
        "provider_visits",
        sa.Column("state", key_text(64), nullable=False),
        sa.Column("browser", key_text(64), nullable=False),
        sa.Column("provider_id", key_text(32), nullable=False),
        sa.Column("account_id", key_text(32), nullable=True),
        sa.Column("born_year", sa.Integer(), nullable=True),
        sa.Column("onwards", sa.String(), server_default="/", nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["identity_providers.id"],
            name=op.f("fk_provider_visits_provider_id_identity_providers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_provider_visits")),
    )
    op.create_index(
        op.f("ix_provider_visits_provider_id"), "provider_visits", ["provider_id"], unique=False
    )
    op.create_index(
        op.f("ix_provider_visits_expires_at"), "provider_visits", ["expires_at"], unique=False
    )


def downgrade() -> None:
    for table in ("provider_visits", "provider_identities", "identity_providers"):
        op.drop_table(table)
    op.drop_table("tickets")
    op.drop_table("device_requests")
    op.drop_table("approvals")
    op.drop_table("authorizations")
    op.drop_table("sign_ons")
    op.drop_table("client_origins")
    op.drop_table("clients")
