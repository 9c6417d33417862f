"""people and their devices.

Everything is added, nothing changed: the release before goes on beside it.
"""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
