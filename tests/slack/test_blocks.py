"""Every message that can be sent keeps Slack's limits, and its text says what its blocks show."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bot.core.access import Access, Verdict
from bot.core.command import NoDuration, NotUnderstood
from bot.core.form import Embellishment
from bot.core.model import Account, Field, Level, Policy, Product, Rule
from bot.core.notice import Due, Edit, Kind, OpenAlert, Reason, Telling, Undelivered
from bot.core.reading import Cause, Credits, Failure, Reading
from bot.core.unusable import Unusable
from bot.core.watch import AccountStatus, Ending, Episode, Firing, Mute, Rise, ThresholdChange, Trouble, Watch
from bot.demo.blockkit import faults
from bot.ports import StoreAway
from bot.slack.blocks import Blocks, Message
from bot.text import Words
from bot.text.en import ENGLISH
from bot.text.figures import Figures

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
RULES = tuple(
    Rule(field, level, Decimal(threshold), f"{field.name}_{level.name}")
    for field, level, threshold in (
        (Field.CREDIT_SMS, Level.WARNING, "5000"),
        (Field.CREDIT_SMS, Level.CRITICAL, "1000"),
        (Field.BALANCE, Level.WARNING, "200.50"),
        (Field.BALANCE, Level.CRITICAL, "0.999"),
    )
)
ACCOUNT = Account("sms", "C0ALERTS", RULES)
WORDS = Words(ENGLISH, Figures("en", ZoneInfo("Europe/Paris")), Policy())
TOP_UP_URLS = {Product.SMS: "https://my.smspartner.fr/"}
BLOCKS = Blocks(WORDS, (ACCOUNT,), timedelta(minutes=5), TOP_UP_URLS, "<!subteam^S0123>")

CREDITS = [
    Credits({Field.BALANCE: Decimal("-0.005")}),
    Credits({Field.BALANCE: Decimal("0.038"), Field.CREDIT_SMS: Decimal(1)}, "€"),
    Credits({name: Decimal(999_999_999_999_999) for name in Field}, "<!here>&"),
    Credits({name: Decimal(12) for name in Field}, "EUR"),
]
WATCHES = [Watch(reading=Reading(NOW - timedelta(hours=3), credits_)) for credits_ in CREDITS]
FIRING = tuple(Firing(rule.field, rule.level, rule.threshold) for rule in RULES)


def low(level: Level = Level.WARNING, ended_at: datetime | None = None) -> Episode:
    firing = tuple(rule for rule in FIRING if rule.level <= level)
    opened = NOW - timedelta(hours=2, minutes=5)
    return Episode(
        id="a1b2c3",
        account="sms",
        trouble=Trouble.LOW,
        channel="C0ALERTS",
        level=level,
        opened_at=opened,
        ended_at=ended_at,
        firing=firing,
        topped_up=Decimal("100.004"),
        thresholds_changed=(ThresholdChange(Decimal(5000), Decimal(1000)),),
    )


def unreadable(cause: Cause, ended_at: datetime | None = None) -> Episode:
    failure = Failure(cause, field="creditSms", status=500, code="96")
    return Episode(
        "d4e5f6",
        "sms",
        Trouble.UNREADABLE,
        "C0ALERTS",
        failure.level,
        NOW,
        ended_at=ended_at,
        failure=failure,
    )


def due(episode: Episode, watch: Watch, kind: Kind = Kind.OPENED, root: str = "") -> Message:
    rose = kind is Kind.WORSE and episode.level >= Level.CRITICAL
    return BLOCKS.due(Due(kind, "C0ALERTS", NOW, (1,), episode, watch, root, rose=rose))


def episodes() -> list[Episode]:
    levels = (Level.WARNING, Level.CRITICAL, Level.EMPTY)
    lows = [low(level, ended_at) for level in levels for ended_at in (None, NOW)]
    return lows + [unreadable(cause, ended_at) for cause in Cause for ended_at in (None, NOW)]


ACKED = Mute("U0ALICE", NOW, NOW + timedelta(days=3))
SNOOZED = Mute("W0BRUNO", NOW, NOW + timedelta(hours=4), snoozed=True)


def lived() -> list[Episode]:
    """Return open episodes with all that can have happened to them: mutes, reminders to come, money."""
    rise = Rise(Decimal("100.004"), NOW)
    return [
        replace(episode, mute=mute, remind_at=remind_at, rise=rise, pinged_at=NOW)
        for episode in (low(Level.CRITICAL), low(Level.EMPTY), unreadable(Cause.NO_CREDIT))
        for mute in (None, ACKED, SNOOZED)
        for remind_at in (None, NOW + timedelta(hours=4))
    ]


def closed() -> list[Episode]:
    """Return episodes that a change of configuration has closed."""
    return [
        replace(episode, ended_at=NOW, ending=ending, moved_to="C0OTHER")
        for episode in (low(Level.EMPTY), unreadable(Cause.KEY_WRONG), *lived())
        for ending in (Ending.NOT_CONFIGURED, Ending.MOVED)
    ]


def life_messages() -> list[Message]:
    """Return what people and time make of an alert: reminders, repeats, what was missed, mutes, endings."""
    reminded = [
        BLOCKS.due(
            Due(Kind.REMINDER, "C0ALERTS", NOW, (1, 2), episode, watch, "1.2", worst=worst, repeat=repeat)
        )
        for episode in lived()
        for watch in WATCHES
        for worst in (Level.OK, Level.EMPTY)
        for repeat in (False, True)
    ]
    late = [
        BLOCKS.due(
            Due(Kind.ENDED, "C0ALERTS", NOW, (1,), low(ended_at=NOW), watch, worst=Level.EMPTY, repeat=True)
        )
        for watch in WATCHES
    ]
    edits = [BLOCKS.living(Edit(episode, WATCHES[3], "1.2", NOW)) for episode in (*lived(), *closed())]
    greeted = BLOCKS.due(Due(Kind.HELLO, "C0ALERTS", NOW, (1,), repeat=True))
    return [*reminded, *late, *edits, greeted]


def typed_messages() -> list[Message]:
    """Return the answers to `alerts`, `ack`, `snooze` and `resume`, and what stands before any answer."""
    tellings = (
        Telling(),
        Telling(NOW),
        Telling(waits_since=NOW),
        Telling(NOW, NOW, "not_in_channel", NOW),
    )
    everything = [
        OpenAlert(episode, watch, telling)
        for episode in lived()
        for watch in (Watch(), *WATCHES)
        for telling in tellings
    ]
    counting = [
        (ACCOUNT, Watch(failures=2, failing_since=NOW, failure=Failure(cause, "<&>", 200, "<&>")))
        for cause in Cause
    ]
    reasons = (Reason.MUTED, Reason.MUTED_ALREADY, Reason.RESUMED, Reason.NOT_MUTED, Reason.NOT_OPEN)
    outcomes = [
        (reason, episode)
        for reason in reasons
        for episode in (None, *lived(), *closed())
        if reason is not Reason.MUTED_ALREADY or (episode and episode.mute)
    ]
    waiting = [
        Undelivered("C0ALERTS", NOW, error) for error in (*ENGLISH.slack_errors, "<!channel>", "unheard_of")
    ]
    answers = [
        BLOCKS.alerts([]),
        *(BLOCKS.alerts([one]) for one in everything),
        BLOCKS.alerts([everything[0], everything[-1]]),
        *(BLOCKS.alerts([], [one]) for one in counting),
        BLOCKS.alerts(everything[:9], counting),
        BLOCKS.decided([]),
        *(BLOCKS.decided([outcome]) for outcome in outcomes),
        BLOCKS.decided(outcomes[:10]),
        *(BLOCKS.no_duration(NoDuration(text)) for text in ("", "2 weeks", "<!here> `x`" * 500)),
        *(Message(text) for text in (ENGLISH.stopping, ENGLISH.unknown_press)),
        *(BLOCKS.refused(why, helped=helped) for why in refusals() for helped in (False, True)),
        *(BLOCKS.outage(StoreAway(cause, "smscredits_notice")) for cause in Unusable),
        BLOCKS.outage(None),
    ]
    first = [BLOCKS.with_undelivered(BLOCKS.help(), [one]) for one in waiting]
    return [*answers, *first, BLOCKS.with_undelivered(BLOCKS.alerts([]), waiting[:3])]


def refusals() -> list[str]:
    """Return what people hear who may not ask or change, with few and with many channels that are listed."""
    many = frozenset(f"C{number:020}" for number in range(1000))
    return [
        BLOCKS.words.refused(verdict, "U0BRUNO", "C0RANDOM", Access(frozenset(), channels))
        for verdict in Verdict
        if verdict is not Verdict.ALLOWED
        for channels in (frozenset({"C0ALERTS"}), many)
    ]


def every_message() -> list[Message]:
    alerts = [
        message
        for episode in episodes()
        for watch in (Watch(), *WATCHES, replace(WATCHES[3], unreadable=unreadable(Cause.TIMEOUT)))
        for message in (
            due(episode, watch),
            due(episode, watch, Kind.WORSE, "1.2"),
            BLOCKS.living(Edit(episode, watch, "1.2", NOW)),
        )
    ]
    statuses = [
        AccountStatus(ACCOUNT, replace(watch, low=low()), watch.reading, failure)
        for watch in (Watch(), *WATCHES)
        for failure in (None, *(Failure(cause, code="10") for cause in Cause))
    ]
    answers = [BLOCKS.status((status,), NOW) for status in statuses if status.reading or status.failure]
    hello = BLOCKS.due(Due(Kind.HELLO, "C0ALERTS", NOW, (1,)))
    bare = Blocks(WORDS, (replace(ACCOUNT, rules=()),), timedelta(seconds=1), {})
    typed = [
        BLOCKS.not_understood(NotUnderstood(text, nearest))
        for text in ("<@U1> & `x`" * 100, "thresholdz")
        for nearest in ("", "thresholds")
    ]
    single = [
        BLOCKS.thresholds(),
        bare.thresholds(),
        BLOCKS.help(),
        *(BLOCKS.asking(replace(one, asking=True), NOW) for one in statuses),
        BLOCKS.went_wrong("ab12"),
    ]
    greetings = [hello, bare.due(Due(Kind.HELLO, "C0ALERTS", NOW, (1,)))]
    return [*alerts, *answers, *greetings, *typed, *single, *life_messages(), *typed_messages()]


def shown(block: object) -> str:
    if isinstance(block, dict):
        return " ".join(shown(value) for key, value in block.items() if key in {"text", "fields", "elements"})
    if isinstance(block, list):
        return " ".join(shown(part) for part in block)
    return block if isinstance(block, str) else ""


def test_slack_takes_every_message() -> None:
    messages = every_message()
    assert len(messages) > 1200
    assert {
        message.text: faults(message.payload()) for message in messages if faults(message.payload())
    } == {}


def test_the_text_says_every_figure_that_the_blocks_show() -> None:
    for message in every_message():
        figures = re.findall(r"\d[\d,.]*\d|\d", shown(list(message.blocks)))
        missing = [figure for figure in figures if figure not in message.text]
        assert not missing, (missing, message.text)


def test_no_message_pings_but_by_the_mention_that_was_configured() -> None:
    for message in every_message():
        pings = re.findall(
            r"<!(?:here|channel|everyone)|<@\w*|<!subteam\^\w+", message.text + shown(list(message.blocks))
        )
        # Who mutes an alert is named in edits, which ping nobody, and in answers for one person.
        assert set(pings) <= {"<!subteam^S0123", "<@U0ALICE", "<@W0BRUNO"}


@pytest.mark.parametrize(
    ("level", "kind", "mentioned"),
    [
        (Level.WARNING, Kind.OPENED, False),
        (Level.CRITICAL, Kind.OPENED, True),
        (Level.EMPTY, Kind.OPENED, True),
        (Level.CRITICAL, Kind.WORSE, True),
        (Level.EMPTY, Kind.WORSE, True),
    ],
)
def test_who_is_on_call_is_mentioned_when_it_is_critical_or_worse(
    level: Level, kind: Kind, mentioned: bool
) -> None:
    message = due(low(level), WATCHES[3], kind)
    assert ("<!subteam^S0123>" in message.text) is mentioned
    assert ("<!subteam^S0123>" in shown(list(message.blocks))) is mentioned


def test_an_edit_and_an_end_mention_nobody() -> None:
    for message in (
        BLOCKS.living(Edit(low(Level.EMPTY), WATCHES[0], "1.2", NOW)),
        due(low(Level.CRITICAL, NOW), WATCHES[3], Kind.ENDED),
    ):
        assert "<!subteam" not in message.text + shown(list(message.blocks))


def test_an_unreadable_account_mentions_nobody_unless_it_is_probably_empty() -> None:
    assert "<!subteam" not in due(unreadable(Cause.KEY_WRONG), Watch()).text
    message = due(unreadable(Cause.NO_CREDIT), Watch())
    assert "<!subteam^S0123>" in message.text
    assert "top_up" in str(message.blocks)


@pytest.mark.parametrize("opened", [low(), unreadable(Cause.NO_CREDIT)], ids=["low", "insufficient credit"])
@pytest.mark.parametrize(
    ("product", "leads"), [(Product.SMS, True), (Product.VOICE, False), (Product.MAIL, False)]
)
def test_an_alert_has_a_button_for_topping_up_only_where_an_address_is_known(
    opened: Episode, product: Product, *, leads: bool
) -> None:
    message = due(replace(opened, product=product), WATCHES[3])
    assert ("top_up" in str(message.blocks), "my.smspartner.fr" in str(message.blocks[-1])) == (leads, leads)
    assert "'ack'" in str(message.blocks)


def test_an_end_that_could_not_be_told_in_time_says_from_when_to_when() -> None:
    late = due(low(Level.CRITICAL, NOW), WATCHES[3], Kind.ENDED)
    assert "could not be told earlier" in late.text
    told = Due(Kind.ENDED, "C0ALERTS", NOW, (1,), low(Level.CRITICAL, NOW), WATCHES[3], told_before=True)
    in_time = BLOCKS.due(told)
    assert "It lasted 2 hr 5 min" in in_time.text
    assert "Threshold changed from 5,000 to 1,000." in in_time.text
    assert "top_up" not in str(in_time.blocks)


@pytest.mark.parametrize(
    ("failure", "worst", "says_so"),
    [
        (Cause.KEY_WRONG, Level.CRITICAL, True),
        (Cause.KEY_WRONG, Level.WARNING, False),
        (Cause.NO_CREDIT, Level.CRITICAL, False),
    ],
)
def test_insufficient_credit_told_late_is_told_even_if_the_failure_is_another_by_then(
    failure: Cause, worst: Level, *, says_so: bool
) -> None:
    episode = replace(unreadable(failure), level=Level.CRITICAL)
    said = BLOCKS.due(Due(Kind.OPENED, "C0ALERTS", NOW, (1, 2), episode, WATCHES[3], worst=worst)).text
    assert ("It was probably empty from" in said) is says_so


def test_a_reminder_says_that_it_is_one_and_a_worse_level_does_not() -> None:
    reminder = due(low(), WATCHES[3], Kind.REMINDER, root="1.2")
    assert reminder.text.startswith("Reminder: SMS credits are low.")
    assert reminder.blocks[0]["text"]["text"] == ":warning: Reminder: SMS credits are low"
    for kind in (Kind.OPENED, Kind.WORSE):
        assert due(low(), WATCHES[3], kind).text.startswith("SMS credits are low.")


# Without what Slack refuses


@pytest.mark.parametrize(
    ("mention", "said"), [("<!channel>", "`@channel`"), ("<!subteam^S0123>", "`MENTION_ON_CRITICAL`")]
)
def test_without_its_mention_an_alert_says_that_nobody_was_notified(mention: str, said: str) -> None:
    blocks = replace(BLOCKS, mention=mention)
    opened = Due(Kind.OPENED, "C0ALERTS", NOW, (1,), low(Level.EMPTY), WATCHES[0])
    whole = blocks.due(opened)
    assert (mention in whole.text, whole.mentions) == (True, True)
    message = blocks.due(opened, frozenset({Embellishment.MENTION}))
    assert (mention in message.text + shown(list(message.blocks)), message.mentions) == (False, False)
    for told in (message.text, shown(list(message.blocks))):
        assert f"Slack did not let me mention {said} here, so nobody was notified" in told


@pytest.mark.parametrize("kind", [Kind.OPENED, Kind.WORSE, Kind.REMINDER])
def test_without_its_buttons_an_alert_names_the_command(kind: Kind) -> None:
    words = replace(WORDS, accounts={"sms": ACCOUNT})
    blocks = replace(BLOCKS, words=words)
    opened = Due(kind, "C0ALERTS", NOW, (1,), low(Level.CRITICAL), WATCHES[0], root="1.1")
    message = blocks.due(opened, frozenset({Embellishment.BLOCKS}))
    assert message.payload() == {"text": message.text}
    assert message.text == f"{blocks.due(opened).text} To stop the reminders, type `/smscredits ack sms`."


def test_without_its_buttons_a_muted_alert_names_the_command_that_ends_the_mute() -> None:
    muted = replace(low(), mute=Mute("U1", NOW, NOW + timedelta(hours=1)))
    edit = BLOCKS.living(Edit(muted, WATCHES[0], "1.1", NOW), frozenset({Embellishment.BLOCKS}))
    assert edit.blocks == ()
    assert edit.text.endswith("To get reminders again, type `/smscredits resume`.")


@pytest.mark.parametrize("message", [low(Level.EMPTY, NOW), replace(low(), ending=Ending.NOT_CONFIGURED)])
def test_without_its_buttons_what_is_over_names_no_command(message: Episode) -> None:
    bare = frozenset({Embellishment.BLOCKS})
    living = BLOCKS.living(Edit(replace(message, ended_at=NOW), WATCHES[0], "1.1", NOW), bare)
    assert living.blocks == ()
    assert "type `/smscredits" not in living.text
