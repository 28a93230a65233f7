"""Mutes, reminders, gaps, tries whose outcome is unknown, and the lease of the process that watches."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add them; the release before this one does not see them."""
    op.add_column("episode", sa.Column("rise", sa.Text))
    op.add_column("episode", sa.Column("mute", sa.Text))
    op.add_column("episode", sa.Column("pinged_at", TIME))
    op.add_column("episode", sa.Column("remind_at", TIME))
    op.add_column("episode", sa.Column("ending", sa.String(20), nullable=False, server_default="recovered"))
    op.add_column("episode", sa.Column("moved_to", sa.String(30), nullable=False, server_default=""))
    op.create_index("episode_to_recall", "episode", ["remind_at"])
    op.add_column("notice", sa.Column("tried_at", TIME))
    op.add_column("notice", sa.Column("gap", sa.Text))
    poll_round = op.create_table(
        "poll_round",
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("polled_at", TIME),
        sa.Column("gap_since", TIME),
    )
    op.bulk_insert(poll_round, [{"name": "watch"}])
    # Episodes that are open now were told when they opened.
    op.execute("UPDATE episode SET pinged_at = opened_at")
    lease = op.create_table(
        "lease",
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("holder", sa.String(32), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
    )
    op.bulk_insert(lease, [{"name": "watch", "holder": "", "expires_at": datetime(2000, 1, 1, tzinfo=UTC)}])
    op.create_table(
        "process",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
    )
