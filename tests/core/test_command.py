import pytest

from bot.core.command import WORDS, Command, NotUnderstood, Verb, parse

ACCOUNTS = ("sms", "Marketing-2")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", Command(Verb.SHOW)),
        ("  \t\n ", Command(Verb.SHOW)),
        ("help", Command(Verb.HELP)),
        ("  HELP ", Command(Verb.HELP)),
        ("Thresholds", Command(Verb.THRESHOLDS)),
        ("share", Command(Verb.SHARE)),
        ("sms", Command(Verb.SHOW, "sms")),
        ("SMS", Command(Verb.SHOW, "sms")),
        ("marketing-2", Command(Verb.SHOW, "Marketing-2")),  # named as it is configured
        ("\u00a0help\u2003", Command(Verb.HELP)),  # blanks as phones type them
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


@pytest.mark.parametrize("text", ["show", "alerts", "ack", "snooze 1h", "resume", "history 7d"])
def test_what_does_not_work_is_not_pretended_to(text: str) -> None:
    assert isinstance(parse(text, ACCOUNTS), NotUnderstood)


def test_a_text_that_is_not_understood_is_given_back_with_plain_spacing() -> None:
    assert parse("  what \n  is   this ", ()) == NotUnderstood("what is this", "")


def test_every_word_but_the_bare_command_is_a_subcommand() -> None:
    assert set(WORDS) == set(Verb) - {Verb.SHOW}
    assert [parse(word, ()) for word in WORDS] == [Command(word) for word in WORDS]
