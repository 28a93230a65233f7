"""Who may ask: a command needs both lists, a press only that of people."""

import pytest

from bot.core.access import Access, Verdict

ALICE, BRUNO = "U0ALICE", "U0BRUNO"
ALERTS, RANDOM = "C0ALERTS", "C0RANDOM"
NOBODY: frozenset[str] = frozenset()
EVERYONE = None
ALLOWED, PERSON, CHANNEL = Verdict.ALLOWED, Verdict.PERSON_NOT_LISTED, Verdict.CHANNEL_NOT_LISTED

TABLE = [
    # people listed, channels listed, who, where, a command, a press
    (EVERYONE, None, ALICE, ALERTS, ALLOWED, ALLOWED),
    (EVERYONE, None, "", "", ALLOWED, ALLOWED),
    ({ALICE}, None, ALICE, ALERTS, ALLOWED, ALLOWED),
    ({ALICE}, None, BRUNO, ALERTS, PERSON, PERSON),
    ({ALICE}, None, "", ALERTS, PERSON, PERSON),
    ({ALICE}, None, ALICE.lower(), ALERTS, PERSON, PERSON),
    ({ALICE, BRUNO}, None, BRUNO, ALERTS, ALLOWED, ALLOWED),
    (EVERYONE, {ALERTS}, ALICE, ALERTS, ALLOWED, ALLOWED),
    (EVERYONE, {ALERTS}, ALICE, RANDOM, CHANNEL, ALLOWED),
    (EVERYONE, {ALERTS}, ALICE, "", CHANNEL, ALLOWED),
    ({ALICE}, {ALERTS}, ALICE, ALERTS, ALLOWED, ALLOWED),
    ({ALICE}, {ALERTS}, ALICE, RANDOM, CHANNEL, ALLOWED),
    ({ALICE}, {ALERTS}, BRUNO, ALERTS, PERSON, PERSON),
    ({ALICE}, {ALERTS}, BRUNO, RANDOM, PERSON, PERSON),
    (NOBODY, None, ALICE, ALERTS, PERSON, PERSON),
    (EVERYONE, NOBODY, ALICE, ALERTS, CHANNEL, ALLOWED),
]


@pytest.mark.parametrize(("users", "channels", "user", "channel", "command", "press"), TABLE)
def test_who_may_ask_and_where(
    users: set[str] | None,
    channels: set[str] | None,
    user: str,
    channel: str,
    command: Verdict,
    press: Verdict,
) -> None:
    access = Access(
        None if users is None else frozenset(users), None if channels is None else frozenset(channels)
    )
    assert access.to_command(user, channel) is command
    assert access.to_press(user) is press
