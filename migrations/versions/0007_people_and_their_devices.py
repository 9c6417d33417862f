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
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_device_passwords_account_id_accounts"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_passwords")),
        sa.UniqueConstraint("lookup", name=op.f("uq_device_passwords_lookup")),
        sa.UniqueConstraint("md5_lookup", name=op.f("uq_device_passwords_md5_lookup")),
        sa.UniqueConstraint("grouped_md5_lookup", name=op.f("uq_device_passwords_grouped_md5_lookup")),
    )
    op.create_index(op.f("ix_device_passwords_account_id"), "device_passwords", ["account_id"], unique=False)
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
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_passkeys_account_id_accounts"), ondelete="CASCADE"),
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
    op.create_index(op.f("ix_spent_challenges_expires_at"), "spent_challenges", ["expires_at"], unique=False)


def downgrade() -> None:
    for table in ("spent_challenges", "passkeys", "device_passwords"):
        op.drop_table(table)
