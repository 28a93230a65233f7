import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bot.core.listing import without_balances
from bot.core.model import Account, Field, Level, Policy, Product, Rule, SubAccounts
from bot.core.notice import Due, Edit, Kind, OpenAlert, Reason, Undelivered
from bot.core.reading import Cause, Credits, Failure, Held, Reading, SubAccount
from bot.core.watch import AccountStatus, Episode, Firing, Member, Trouble, Watch
from bot.demo.blockkit import faults
from bot.slack.blocks import Blocks, Message
from bot.slack.elements import EMOJI, UNREADABLE
from bot.text import Words
from bot.text.en import ENGLISH
from bot.text.figures import Figures, escape
from tests.samples import named

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
RULES = tuple(
    Rule(Field.BALANCE, level, Decimal(threshold), "BALANCE_WARNING")
    for level, threshold in ((Level.WARNING, "200.50"), (Level.CRITICAL, "0.999"))
)
DOWN = Failure(Cause.NETWORK)
TOP_UP_URLS = {Product.SMS: "https://my.smspartner.fr/"}


def accounts(count: int, *, product: Product | None = None) -> tuple[Account, ...]:
    products = tuple(Product)
    return tuple(
        Account(named(number), "C0ALERTS", RULES, product or products[number % 3]) for number in range(count)
    )


def blocks(watched: Sequence[Account]) -> Blocks:
    by_name = {account.name: account for account in watched}
    words = Words(ENGLISH, Figures("en", ZoneInfo("Europe/Paris")), Policy(), by_name)
    return Blocks(words, tuple(watched), timedelta(minutes=5), TOP_UP_URLS, "<!here>")


def status(account: Account, level: Level = Level.OK, failure: Failure | None = None) -> AccountStatus:
    left = Credits({name: Decimal(999_999_999_999_999) for name in Field}, "€&<!here>")
    episode = None
    if level is not Level.OK:
        firing = (Firing(Field.BALANCE, level, Decimal(10**15)),)
        episode = Episode(
            account.name,
            account.name,
            Trouble.LOW,
            "C0ALERTS",
            level,
            NOW,
            firing=firing,
            product=account.product,
        )
    reading = Reading(NOW - timedelta(hours=3), left)
    return AccountStatus(account, Watch(reading=reading, low=episode), reading, failure)


def lines(message: Message) -> list[str]:
    return message.text.split("\n")


def taken(message: Message) -> Message:
    """Return the message, which Slack takes."""
    assert faults(message.payload()) == ()
    return message


def test_up_to_three_accounts_are_described_in_full() -> None:
    watched = accounts(3)
    message = taken(blocks(watched).status([status(account) for account in watched], NOW))
    each = ["section", "section", "context"]
    assert [block["type"] for block in message.blocks] == [*each, "divider", *each, "divider", *each]
    assert all(account.name in message.text for account in watched)


def test_more_are_a_line_each_the_worst_first_and_what_cannot_be_read_at_the_head() -> None:
    levels = (Level.OK, Level.WARNING, Level.OK, Level.CRITICAL, Level.EMPTY)
    for names in ("abcde", "edcba"):
        watched = [replace(account, name=name) for account, name in zip(accounts(5), names, strict=True)]
        statuses = [status(account, level) for account, level in zip(watched, levels, strict=True)]
        statuses[2] = replace(statuses[2], failure=DOWN)
        message = taken(blocks(watched).status(statuses, NOW))
        assert re.findall(r"\*(\w)\*: ([\w ]+)\.", message.text) == [
            (names[2], "cannot be read"),
            (names[4], "empty"),
            (names[3], "critical"),
            (names[1], "warning"),
            (names[0], "fine"),
        ]
        assert lines(message)[-1] == "`/smscredits ACCOUNT` shows one in detail."


def test_one_that_cannot_be_read_stands_on_the_page_however_many_are_empty() -> None:
    watched = [Account(f"a{number}", "C0ALERTS", RULES) for number in range(40)]
    *empty, last = [status(account, Level.EMPTY) for account in watched]
    message = taken(blocks(watched).status([*empty, replace(last, failure=DOWN)], NOW))
    assert "*a39*: cannot be read." in lines(message)[0]


def test_equally_bad_ones_stand_as_people_count_them() -> None:
    watched = [Account(f"account{number}", "C0ALERTS", RULES) for number in range(20, 0, -1)]
    levels = [Level.WARNING if number % 2 else Level.OK for number in range(20)]
    statuses = [status(account, level) for account, level in zip(watched, levels, strict=True)]
    message = taken(blocks(watched).status(statuses, NOW))
    numbers = [int(number) for number in re.findall(r"\*account(\d+)\*", message.text)]
    assert numbers == [*range(1, 21, 2), *range(2, 21, 2)]


@pytest.mark.parametrize(
    ("low", "silent", "rest"),
    [
        pytest.param(3, 2, r"and \d+ more, all fine\.", id="few are in trouble"),
        pytest.param(60, 90, r"and \d+ more: .*\d+ fine\.", id="many are in trouble"),
        pytest.param(0, 200, r"and \d+ more: \d+ cannot be read\.", id="all are silent"),
    ],
)
def test_of_two_hundred_accounts_the_worst_are_shown_and_the_others_are_counted(
    low: int, silent: int, rest: str
) -> None:
    watched = accounts(200)
    statuses = [
        status(account, Level.CRITICAL if number < low else Level.OK, DOWN if 199 - number < silent else None)
        for number, account in enumerate(watched)
    ]
    message = taken(blocks(watched).status(statuses, NOW))
    *shown, more, _ = lines(message)
    assert re.fullmatch(rest, more)
    counted = sum(int(number) for number in re.findall(r"and (\d+) more", more))
    assert (len(shown) + counted, len(shown) <= 20) == (200, True)
    assert len(shown) >= min(low + silent, 8)


def unlisted(found: AccountStatus) -> AccountStatus:
    """Return it as it is with its list of sub-accounts unread."""
    assert found.reading
    left = replace(found.reading.credits, unlisted=replace(DOWN, listing=True))
    return replace(found, reading=Reading(NOW, left))


def test_of_many_accounts_one_whose_subaccounts_cannot_be_listed_is_not_among_those_that_are_fine() -> None:
    watched = [Account(f"a{number}", "C0ALERTS", RULES) for number in range(30)]
    low, *fine = [
        status(account, Level.OK if number else Level.WARNING) for number, account in enumerate(watched)
    ]
    first, second, *_, rest, _ = lines(
        taken(blocks(watched).status([*fine[:-1], unlisted(fine[-1]), low], NOW))
    )
    assert first.startswith(":warning: *a0*: warning.")
    assert "*a29*: fine. The account itself is read, but not the list of its sub-accounts. SMS" in second
    assert rest == "and 10 more, all fine."
    *_, rest, _ = lines(blocks(watched).status([unlisted(one) for one in fine], NOW))
    assert re.fullmatch(r"and \d+ more: \d+ cannot be read\.", rest)


def test_every_answer_and_message_about_two_hundred_accounts_is_one_that_slack_takes() -> None:
    watched = accounts(200)
    many = blocks(watched)
    statuses = [status(account, Level.EMPTY) for account in watched]
    open_alerts = [OpenAlert(one.watch.low, one.watch) for one in statuses if one.watch.low]
    failing = Watch(failures=2, failing_since=NOW, failure=DOWN)
    counting = [(account, failing) for account in watched]
    waiting = [Undelivered("C0ALERTS", NOW, "not_in_channel")]
    for message in (
        many.alerts(open_alerts),
        many.alerts([], counting),
        many.alerts(open_alerts, counting),
        many.decided([(Reason.MUTED, one.episode) for one in open_alerts]),
        many.thresholds(),
        many.help(),
        many.partial([replace(one, asking=True) for one in statuses], NOW),
        many.partial([replace(statuses[0], asking=True)], NOW),
        many.due(Due(Kind.HELLO, "C0ALERTS", NOW, (1,))),
        many.with_undelivered(many.status(statuses, NOW), waiting),
        many.with_undelivered(many.alerts(open_alerts, counting), waiting),
    ):
        taken(message)
    alerts = many.alerts(open_alerts).text
    more = re.search(r"and (\d+) more\.", alerts)
    assert more
    assert alerts.count("Nothing can be sent any more") == 200 - int(more[1])
    assert "\n" not in many.due(Due(Kind.HELLO, "C0ALERTS", NOW, (1,))).text


def test_accounts_with_the_same_rules_are_listed_together() -> None:
    watched = accounts(4, product=Product.MAIL)
    other = replace(watched[0], name="other", rules=RULES[:1])
    said = blocks((*watched, other)).thresholds().text
    assert said.count("warning below a balance of 200.50") == 2
    assert said.count("critical below a balance of 0.999") == 1


def test_accounts_without_rules_are_listed_together_too_by_product_for_the_settings_differ() -> None:
    watched = tuple(replace(account, rules=()) for account in accounts(6))
    message = taken(blocks(watched).thresholds())
    said = lines(message)[1:]
    names = [escape(account.name) for account in watched]
    assert said[::2] == [f"*{names[number]}, {names[number + 3]}*" for number in range(3)]
    assert [line.partition("Set ")[2] for line in said[1::2]] == [
        "`CREDIT_SMS_WARNING` or `BALANCE_WARNING`.",
        "`BALANCE_WARNING`.",
        "`BALANCE_WARNING`, or `creditMail` in the accounts' file.",
    ]
    assert all(line.startswith("No threshold is set: ") for line in said[1::2])


# One account with sub-accounts


def parent(count: int, in_trouble: int) -> AccountStatus:
    account = Account("marketing", "C0ALERTS", RULES, subaccounts=SubAccounts(RULES, emails=True))
    listed = tuple(
        SubAccount(f"{number:040}", Decimal(number), "EUR", f"{'x' * 50}{number}@example.com")
        for number in range(count)
    )
    firing = tuple(Firing(Field.BALANCE, Level.WARNING, Decimal(9999), one.id) for one in listed[:in_trouble])
    found = status(account)
    assert found.reading
    left = replace(found.reading.credits, subaccounts=listed)
    episode = Episode("1", account.name, Trouble.LOW, "C0ALERTS", Level.WARNING, NOW, firing=firing)
    reading = Reading(NOW, left)
    watch = Watch(reading=reading, low=episode if firing else None)
    return AccountStatus(account, watch, reading)


@pytest.mark.parametrize(
    ("in_trouble", "rest"),
    [(0, "and {} more, all fine."), (3, "and {} more, all fine."), (900, "and {} more.")],
)
def test_one_account_in_detail_shows_its_subaccounts_the_worst_first(in_trouble: int, rest: str) -> None:
    found = parent(1000, in_trouble)
    message = taken(blocks([found.account]).status([found], NOW))
    shown = re.findall(r"`marketing/0*(\d+)`: [\d.,]+ EUR \(`\w+@example.com`\)", message.text)
    assert [int(number) for number in shown[1:]] == list(range(1, len(shown)))
    assert 8 <= len(shown) <= 20
    assert rest.format(1000 - len(shown)) in message.text


def test_subaccounts_that_have_the_same_left_stand_as_people_count_them() -> None:
    found = parent(0, 0)
    assert found.reading
    listed = tuple(SubAccount(str(number), Decimal(5), "EUR") for number in range(12, 0, -1))
    reading = Reading(NOW, replace(found.reading.credits, subaccounts=listed))
    alone = replace(found, reading=reading)
    message = taken(blocks([alone.account]).status([alone], NOW))
    assert re.findall(r"`marketing/(\d+)`", message.text) == [str(number) for number in range(1, 13)]


def with_subaccounts(*listed: SubAccount, low: tuple[str, ...] = ()) -> AccountStatus:
    """An account of which some sub-accounts are low."""
    found = parent(0, 0)
    assert found.reading
    firing = tuple(Firing(Field.BALANCE, Level.WARNING, Decimal(20), one) for one in low)
    episode = Episode("1", "marketing", Trouble.LOW, "C0ALERTS", Level.WARNING, NOW, firing=firing)
    reading = without_balances(Reading(NOW, replace(found.reading.credits, subaccounts=listed)))
    return replace(found, reading=reading, watch=Watch(reading=reading, low=episode if low else None))


def test_a_subaccount_without_a_balance_stands_before_the_fine_ones_and_is_called_unreadable() -> None:
    found = with_subaccounts(
        SubAccount("1", Decimal(5), "EUR"), SubAccount("2"), SubAccount("3", Decimal(4), "EUR"), low=("3",)
    )
    message = taken(blocks([found.account]).status([found], NOW))
    rows = re.findall(r"(:\w+:) `marketing/(\d)`: ([^:]+?)(?= :|$)", message.text)
    assert rows == [
        (":warning:", "3", "4.00 EUR"),
        (UNREADABLE, "2", "not given"),
        (EMOJI[Level.OK], "1", "5.00 EUR"),
    ]
    assert "but not every balance on it. SMS Partner gives a sub-account without `balance`" in message.text


@pytest.mark.parametrize(
    ("failure", "head"),
    [
        (None, "Sub-accounts as last listed:"),
        (DOWN, "Sub-accounts as last listed:"),
        (
            replace(DOWN, listing=True),
            "Sub-accounts as last listed, before <!date^1774785600^{date_short_pretty} at {time}|",
        ),
    ],
)
def test_subaccounts_of_a_list_that_fails_are_not_told_as_read_now(
    failure: Failure | None, head: str
) -> None:
    found = unlisted(with_subaccounts(SubAccount("1", Decimal(5), "EUR")))
    counted = Watch(failures=1, failing_since=NOW, failure=failure) if failure else Watch()
    message = taken(blocks([found.account]).status([replace(found, watch=counted)], NOW))
    said, _, listed = message.text.partition(head)
    assert "Read " in said
    assert "`marketing/1`: 5.00 EUR" in listed


def test_subaccounts_that_were_listed_are_told_without_another_time() -> None:
    for found in (with_subaccounts(SubAccount("1", Decimal(5))), with_subaccounts(SubAccount("1"))):
        assert "as last listed" not in taken(blocks([found.account]).status([found], NOW)).text


def test_subaccounts_without_a_balance_are_never_counted_as_fine() -> None:
    found = with_subaccounts(*(SubAccount(str(number)) for number in range(30)))
    message = taken(blocks([found.account]).status([found], NOW))
    assert "and 10 more." in message.text
    assert "all fine" not in message.text


def test_among_others_an_account_s_subaccounts_in_trouble_are_said_and_no_more() -> None:
    found = parent(5, 1)
    message = taken(blocks([found.account]).status([found, status(accounts(1)[0])], NOW))
    assert "below the warning threshold" in message.text
    assert "@example.com" not in message.text


def test_a_message_about_a_thousand_subaccounts_in_trouble_is_one_that_slack_takes() -> None:
    found = parent(1000, 1000)
    assert found.watch.low
    for kind in (Kind.OPENED, Kind.WORSE, Kind.REMINDER):
        taken(blocks([found.account]).due(Due(kind, "C0ALERTS", NOW, (1,), found.watch.low, found.watch)))


# Accounts that share an episode


def test_a_message_about_two_hundred_silent_accounts_is_one_that_slack_takes() -> None:
    members = tuple(Member(named(number), NOW, DOWN) for number in range(200))
    group = f"{'x' * 60}@C0ALERTS"
    lasting = Episode(
        "1", group, Trouble.UNREADABLE, "C0ALERTS", Level.WARNING, NOW, failure=DOWN, members=members
    )
    healed = tuple(replace(member, until=NOW) for member in members)
    over = replace(lasting, ended_at=NOW, members=healed)
    many = blocks(accounts(200))
    watch = Watch(unreadable=lasting)
    opened = taken(many.due(Due(Kind.OPENED, "C0ALERTS", NOW, (1,), lasting, watch)))
    assert "200 accounts cannot be read" in opened.text
    assert "and 190 more." in opened.text
    assert "no earlier reading" not in opened.text
    taken(many.due(Due(Kind.ENDED, "C0ALERTS", NOW, (1,), over, Watch())))
    taken(many.living(Edit(lasting, watch, "1.2", NOW)))
    taken(many.alerts([OpenAlert(lasting, watch)]))


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (Held.LIMIT, "Voice Partner allows only a few requests a minute"),
        (Held.STORE_AWAY, "Voice Partner is not asked while my database does not answer"),
    ],
)
def test_an_account_that_was_not_asked_says_why_with_the_age(why: Held, said: str) -> None:
    voice = Account("voice", "C0ALERTS", RULES, Product.VOICE)
    message = taken(blocks([voice]).status([replace(status(voice), held_back=why)], NOW))
    assert f"{said}: this is from 3 hr ago." in message.text
    unread = AccountStatus(voice, Watch(), None, held_back=why)
    assert f"{said}: ask again in a minute." in taken(blocks([voice]).status([unread], NOW)).text
