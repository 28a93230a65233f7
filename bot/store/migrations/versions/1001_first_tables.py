"""The first tables, all with the bot's own prefix."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "1001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "smscredits_account",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since", TIME),
        sa.Column("failure", sa.Text),
        sa.Column("read_at", TIME),
        sa.Column("amounts", sa.Text),
        sa.Column("currency", sa.String(10)),
        sa.Column("subaccounts", sa.Text),
        sa.Column("unlisted", sa.Text),
    )
    op.create_table(
        "smscredits_reading",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.String(100), nullable=False),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("amounts", sa.Text, nullable=False),
        sa.Column("currency", sa.String(10), nullable=False),
    )
    op.create_index("smscredits_reading_by_account", "smscredits_reading", ["account", "began_at"])
    op.create_index("smscredits_reading_by_time", "smscredits_reading", ["began_at"])
    op.create_table(
        "smscredits_episode",
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
        sa.Column("rise", sa.Text),
        sa.Column("mute", sa.Text),
        sa.Column("pinged_at", TIME),
        sa.Column("remind_at", TIME),
        sa.Column("ending", sa.String(20), nullable=False, server_default="recovered"),
        sa.Column("moved_to", sa.String(30), nullable=False, server_default=""),
        sa.Column("members", sa.Text, nullable=False, server_default="[]"),
        sa.Column("product", sa.String(10), nullable=False, server_default="sms"),
        sa.Column("root", sa.String(30), nullable=False),
        sa.Column("edit_at", TIME),
    )
    op.create_index("smscredits_episode_open", "smscredits_episode", ["account", "ended_at"])
    op.create_index("smscredits_episode_ended", "smscredits_episode", ["ended_at"])
    op.create_index("smscredits_episode_to_edit", "smscredits_episode", ["edit_at"])
    op.create_index("smscredits_episode_to_recall", "smscredits_episode", ["remind_at"])
    op.create_table(
        "smscredits_notice",
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
        sa.Column("tried_at", TIME),
        sa.Column("gap", sa.Text),
    )
    op.create_index("smscredits_notice_waiting", "smscredits_notice", ["sent_at", "episode"])
    op.create_index("smscredits_notice_of_episode", "smscredits_notice", ["episode", "sent_at"])
    lease = op.create_table(
        "smscredits_lease",
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("holder", sa.String(32), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
    )
    op.bulk_insert(lease, [{"name": "watch", "holder": "", "expires_at": datetime(2000, 1, 1, tzinfo=UTC)}])
    op.create_table(
        "smscredits_process",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
    )
    poll_round = op.create_table(
        "smscredits_poll_round",
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("polled_at", TIME),
        sa.Column("gap_since", TIME),
    )
    op.bulk_insert(poll_round, [{"name": "watch"}])
    history = op.create_table(
        "smscredits_history",
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("thinned_until", TIME),
    )
    op.bulk_insert(history, [{"name": "watch"}])
    op.create_table(
        "smscredits_request",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("asked_at", sa.Text, nullable=False),
        sa.Column("for_commands", sa.Text, nullable=False, server_default="[]"),
    )
