"""What is old is found by time, and how far readings are thinned out is remembered."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them; the release before this one does not see them."""
    op.create_index("reading_by_time", "reading", ["began_at"])
    op.create_index("episode_ended", "episode", ["ended_at"])
    op.create_index("notice_of_episode", "notice", ["episode", "sent_at"])
    history = op.create_table(
        "history",
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("thinned_until", sa.DateTime(timezone=True)),
    )
    op.bulk_insert(history, [{"name": "watch"}])
