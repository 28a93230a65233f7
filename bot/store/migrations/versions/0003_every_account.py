"""The last reading with its sub-accounts, the episodes that accounts share, and requests counted by key."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_LAST_READINGS = """
UPDATE account
SET read_at = last.began_at, amounts = last.amounts, currency = last.currency, subaccounts = '[]'
FROM reading AS last
WHERE last.account = account.name AND last.id = (
    SELECT id FROM reading WHERE reading.account = last.account ORDER BY began_at DESC LIMIT 1
)
"""


def upgrade() -> None:
    """Add them; the release before this one does not see them."""
    op.add_column("account", sa.Column("failure", sa.Text))
    op.add_column("account", sa.Column("read_at", sa.DateTime(timezone=True)))
    op.add_column("account", sa.Column("amounts", sa.Text))
    op.add_column("account", sa.Column("currency", sa.String(10)))
    op.add_column("account", sa.Column("subaccounts", sa.Text))
    op.add_column("account", sa.Column("unlisted", sa.Text))
    op.execute(_LAST_READINGS)
    op.add_column("episode", sa.Column("members", sa.Text, nullable=False, server_default="[]"))
    op.add_column("episode", sa.Column("product", sa.String(10), nullable=False, server_default="sms"))
    op.create_table(
        "request",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("asked_at", sa.Text, nullable=False),
    )
