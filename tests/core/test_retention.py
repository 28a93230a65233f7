from datetime import UTC, datetime

from bot.core.retention import Retention, retention


def test_readings_are_kept_in_full_for_35_days_and_hourly_for_400_counted_in_whole_hours() -> None:
    assert retention(datetime(2026, 7, 22, 12, 59, 59, 999999, tzinfo=UTC)) == Retention(
        full_since=datetime(2026, 6, 17, 12, tzinfo=UTC), kept_since=datetime(2025, 6, 17, 12, tzinfo=UTC)
    )
