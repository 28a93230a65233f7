"""The first tables: accounts, readings, episodes, notices."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "account",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since", TIME),
    )
    op.create_table(
        "reading",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.String(100), nullable=False),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("amounts", sa.Text, nullable=False),
        sa.Column("currency", sa.String(10), nullable=False),
    )
    op.create_index("reading_by_account", "reading", ["account", "began_at"])
    op.create_table(
        "episode",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("account", sa.String(100), nullable=False),
        sa.Column("trouble", sa.String(20), nullable=False),
        sa.Column("channel", sa.String(30), nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("firing", sa.Text, nullable=False),
        sa.Column("failure", sa.Text),
        sa.Column("topped_up", sa.Text, nullable=False),
        sa.Column("thresholds_changed", sa.Text, nullable=False),
        sa.Column("root", sa.String(30), nullable=False),
        sa.Column("edit_at", TIME),
    )
    op.create_index("episode_open", "episode", ["account", "ended_at"])
    op.create_index("episode_to_edit", "episode", ["edit_at"])
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("channel", sa.String(30), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("episode", sa.String(32), nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("once", sa.String(100), unique=True),
        sa.Column("message", sa.String(30)),
        sa.Column("sent_at", TIME),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("retry_at", TIME),
        sa.Column("error", sa.String(100)),
    )
    op.create_index("notice_waiting", "notice", ["sent_at", "episode"])
