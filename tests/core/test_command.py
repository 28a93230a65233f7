from datetime import timedelta

import pytest

from bot.core.command import WORDS, Command, NoDuration, NotUnderstood, Verb, parse

ACCOUNTS = ("sms", "Marketing-2", "caf\u00e9", "\u05d4\u05ea\u05e8\u05d0\u05d5\u05ea")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", Command(Verb.SHOW)),
        ("  \t\n ", Command(Verb.SHOW)),
        ("help", Command(Verb.HELP)),
        ("  HELP ", Command(Verb.HELP)),
        ("Thresholds", Command(Verb.THRESHOLDS)),
        ("share", Command(Verb.SHARE)),
        ("alerts", Command(Verb.ALERTS)),
        ("ack", Command(Verb.ACK)),
        ("Ack SMS", Command(Verb.ACK, "sms")),
        ("resume", Command(Verb.RESUME)),
        ("resume marketing-2", Command(Verb.RESUME, "Marketing-2")),
        ("sms", Command(Verb.SHOW, "sms")),
        ("SMS", Command(Verb.SHOW, "sms")),
        ("marketing-2", Command(Verb.SHOW, "Marketing-2")),  # named as it is configured
        ("cafe\u0301", Command(Verb.SHOW, "caf\u00e9")),  # accents as some keyboards type them
        ("\u00a0help\u2003", Command(Verb.HELP)),  # blanks as phones type them
        # Right-to-left names as they are copied from a message, and as some keyboards type them.
        (f"\u2068{ACCOUNTS[3]}\u2069", Command(Verb.SHOW, ACCOUNTS[3])),
        (f"ack \u200f{ACCOUNTS[3]}\u200e", Command(Verb.ACK, ACCOUNTS[3])),
    ],
)
def test_what_a_person_types_is_understood_without_regard_to_case_or_spacing(
    text: str, command: Command
) -> None:
    assert parse(text, ACCOUNTS) == command


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("hepl", "help"),
        ("treshold", "thresholds"),
        ("Sharee", "share"),
        ("smss", "sms"),
        ("marketing", "Marketing-2"),
        ("ack marketng-2", "ack Marketing-2"),  # never "ack", which is for every account
        ("resume smss", "resume sms"),
        ("ack xyzzy", ""),
        ("snooze 1h nobody", ""),
        ("snooze 2h marketng-2", "snooze 2h Marketing-2"),
        ("help me", "help"),
        ("sms now please", "sms"),
        ("xyzzy", ""),
        ("?", ""),
        ("<!channel>", ""),
        ("x" * 3000, ""),
    ],
)
def test_anything_else_gets_the_nearest_match_or_none(text: str, nearest: str) -> None:
    assert parse(text, ACCOUNTS) == NotUnderstood(text, nearest)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("snooze 15m", timedelta(minutes=15)),
        ("snooze 900s", timedelta(minutes=15)),
        ("snooze 4h", timedelta(hours=4)),
        ("SNOOZE  36H ", timedelta(hours=36)),
        ("snooze 7d", timedelta(days=7)),
        ("snooze 168h", timedelta(days=7)),
    ],
)
def test_a_snooze_lasts_from_a_quarter_of_an_hour_to_a_week(text: str, duration: timedelta) -> None:
    assert parse(text, ACCOUNTS) == Command(Verb.SNOOZE, "", duration)
    assert parse(f"{text} marketing-2", ACCOUNTS) == Command(Verb.SNOOZE, "Marketing-2", duration)


@pytest.mark.parametrize(
    "text",
    [
        "snooze",
        "snooze -1d",
        "snooze 10y",
        "snooze soon",
        "snooze 0",
        "snooze 1",
        "snooze h",
        "snooze 0h",
        "snooze 14m",
        "snooze 899s",
        "snooze 8d",
        "snooze 169h",
        "snooze 1.5h",
        "snooze 1h30m",
        "snooze 1 h",
        "snooze \u0661h",
        "snooze 999999999999d",
        "snooze sms",
        "snooze sms 1h",
        "snooze 1h sms now",
    ],
)
def test_a_snooze_without_a_duration_that_makes_sense_is_none(text: str) -> None:
    assert parse(text, ACCOUNTS) == NoDuration(text)


@pytest.mark.parametrize("text", ["ack nobody", "resume nobody", "ack 1h", "alerts sms", "ack sms now"])
def test_a_word_with_an_account_that_is_not_watched_is_not_understood(text: str) -> None:
    assert isinstance(parse(text, ACCOUNTS), NotUnderstood)


@pytest.mark.parametrize("text", ["show", "history 7d", "mute 1h", "top_up"])
def test_what_does_not_work_is_not_pretended_to(text: str) -> None:
    assert isinstance(parse(text, ACCOUNTS), NotUnderstood)


def test_a_text_that_is_not_understood_is_given_back_with_plain_spacing() -> None:
    assert parse("  what \n  is   this ", ()) == NotUnderstood("what is this", "")


def test_every_word_but_the_bare_command_is_a_subcommand() -> None:
    assert set(WORDS) == set(Verb) - {Verb.SHOW}
    whole = [word for word in WORDS if word is not Verb.SNOOZE]  # a snooze needs its duration
    assert [parse(word, ()) for word in whole] == [Command(word) for word in whole]
