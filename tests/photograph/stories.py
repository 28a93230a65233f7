"""Stories in which the bot says everything that it can say; each is one act on a stage of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from bot.core.access import Access
from bot.core.form import Embellishment
from bot.core.model import Account, Field, Level, Product, SubAccounts
from bot.core.reading import Cause, Credits, Failure, SubAccount
from bot.core.unusable import Unusable
from bot.ports import NotDelivered, StoreAway
from bot.text.en import ENGLISH
from tests.photograph.stage import Found, Stage, listing
from tests.samples import CRITICAL, NO_CREDIT, POLICY, WARNING, WRONG_KEY, credit, named, rule

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONEY = (rule(Level.WARNING, 200, Field.BALANCE), rule(Level.CRITICAL, 50, Field.BALANCE))
CHANNEL = "C0ALERTS"

SMS = Account("sms", CHANNEL, (WARNING, CRITICAL))
BOTH = Account("sms", CHANNEL, (WARNING, CRITICAL, *MONEY))
UNRULED = Account("sms", CHANNEL)
VOICE = Account("voice", CHANNEL, MONEY, Product.VOICE, key_source="VOICEPARTNER_API_KEY")
MAIL = Account("mail", CHANNEL, (rule(Level.WARNING, 5000, Field.CREDIT_MAIL),), Product.MAIL)
PARENT = replace(SMS, name="agency", subaccounts=SubAccounts((rule(Level.WARNING, 20, Field.BALANCE),)))
DOWN = Failure(Cause.TIMEOUT)
PATIENT = replace(POLICY, unreadable_after=1)

ALL_OF_SMS = Credits(
    {
        Field.CREDIT_SMS: Decimal(269082),
        Field.CREDIT_SMS_ECO: Decimal(444570),
        Field.CREDIT_HLR: Decimal(2045023),
        Field.TO_SEND: Decimal(12),
        Field.BALANCE: Decimal("10225.119"),
    },
    "EUR",
)
SPOKEN = Credits(
    {
        Field.BALANCE: Decimal(19),
        Field.SPEAKING_MOBILE: Decimal(21366),
        Field.SPEAKING_FIXED: Decimal(13535),
        Field.VOICE_MESSAGES: Decimal(10),
    },
    "EUR",
)
MAILS = Credits({Field.CREDIT_MAIL: Decimal(4999), Field.BALANCE: Decimal("342.5")}, "EUR")


def family(*balances: str | None, sms: int = 9000) -> Credits:
    """Return a parent's credits with sub-accounts that have these balances left."""
    listed = tuple(
        SubAccount(
            str(number), None if balance is None else Decimal(balance), "EUR", f"s{number}@example.com"
        )
        for number, balance in enumerate(balances, 1)
    )
    return replace(credit(sms), subaccounts=listed)


def unlisted(cause: Cause) -> Credits:
    """Return a parent's credits whose list of sub-accounts failed."""
    return replace(credit(), unlisted=listing(Failure(cause, status=500)))


async def credits_fall_and_come_back(stage: Stage) -> None:
    await stage.start(SMS, mention="<!subteam^S0123>")
    await stage.poll(sms=credit(9000))
    for text in ("", "sms", "alerts", "thresholds", "share"):
        await stage.ask(text)
    await stage.poll(sms=credit(4812, "182.86"))
    for text in ("", "alerts"):
        await stage.ask(text)
    await stage.poll(sms=credit(3000, 114))
    await stage.poll(sms=credit(999, "37.96"))
    await stage.poll(sms=credit(0, "0.02"))
    await stage.ask("")
    await stage.poll(sms=credit(0, "-3.40"))
    await stage.poll(sms=credit(526, 20))
    await stage.poll(sms=credit(5100, "193.80"))
    await stage.ask("")
    await stage.ask("alerts")
    await stage.poll(sms=credit(9000, 342))


async def two_rules_cross_for_one_cause(stage: Stage) -> None:
    await stage.start(BOTH)
    await stage.poll(sms=credit(5200, "197.60"))
    await stage.poll(sms=credit(4900, "186.20"))
    await stage.ask("")
    await stage.poll(sms=credit(5600, "212.80"))
    await stage.poll(sms=credit(9000, 342))


async def low_at_the_first_reading(stage: Stage) -> None:
    await stage.start(SMS)
    await stage.poll(sms=credit(100, "3.80"))


async def nothing_is_configured_but_empty(stage: Stage) -> None:
    await stage.start(UNRULED)
    await stage.ask("thresholds")
    await stage.poll(sms=ALL_OF_SMS)
    await stage.ask("")
    await stage.poll(sms=credit(0, 0))
    await stage.poll(sms=credit(1, "0.04"))
    await stage.poll(sms=credit(2631, 100))


async def people_mute_remind_and_resume(stage: Stage) -> None:
    await stage.start(SMS)
    await stage.poll(sms=credit(4812))
    await stage.wait(DAY)
    await stage.press("ack")
    await stage.press("ack", by="U0BRUNO")
    await stage.ask("alerts")
    await stage.poll(sms=credit(3000))
    await stage.press("resume", by="U0BRUNO")
    await stage.press("resume", by="U0BRUNO")
    for choice in ("1h", "4h", "tomorrow", "monday"):
        await stage.press("snooze", choice)
    await stage.press("snooze", "monday", by="U0BRUNO")
    await stage.wait(6 * DAY)
    await stage.ask("snooze 2h")
    await stage.poll(sms=credit(900))
    for text in ("ack", "ack sms", "resume", "snooze 3d sms", "alerts"):
        await stage.ask(text)
    await stage.poll(sms=credit(9000))
    await stage.press("ack")
    for text in ("ack", "snooze 2h", "resume"):
        await stage.ask(text)


async def every_cause_for_which_an_account_cannot_be_read(stage: Stage) -> None:
    await stage.start(SMS, policy=PATIENT)
    await stage.poll(sms=credit(9000))
    for cause in (one for one in Cause if one is not Cause.CURRENCY):
        await stage.poll(sms=Failure(cause, field="creditSms", status=503, code="96"))
        await stage.ask("")
        await stage.poll(sms=credit(9000))


async def money_is_counted_in_another_unit(stage: Stage) -> None:
    await stage.start(SMS)
    await stage.poll(sms=credit(300, "11.40"))
    await stage.poll(sms=credit(300, "7477.81", "XOF"))
    for text in ("", "alerts", "thresholds"):
        await stage.ask(text)
    await stage.poll(sms=credit(300, "11.40"))
    in_francs = replace(SMS, currency="XOF", rules=(rule(Level.WARNING, 30_000, Field.BALANCE),))
    await stage.start(in_francs)
    await stage.poll(sms=credit(300, "7477.81", "XOF"))
    await stage.ask("thresholds")
    await stage.start(PARENT)
    await stage.poll(agency=family("100", "50"))
    foreign = SubAccount("2", Decimal("32797.85"), "XOF")
    mixed = family("100")
    await stage.poll(agency=replace(mixed, subaccounts=(*mixed.subaccounts, foreign)))
    await stage.ask("agency")
    await stage.poll(agency=family("100", "50"))


async def failures_are_counted_before_they_are_posted(stage: Stage) -> None:
    await stage.start(SMS)
    await stage.poll(sms=DOWN)
    await stage.ask("")
    await stage.ask("alerts")
    await stage.poll()
    await stage.poll()
    await stage.ask("alerts")
    await stage.wait(DAY)
    await stage.press("ack")
    await stage.poll(sms=NO_CREDIT)
    await stage.poll(sms=credit(9000))


async def low_and_unreadable_at_once(stage: Stage) -> None:
    await stage.start(SMS)
    await stage.poll(sms=credit(4812))
    await stage.poll(sms=WRONG_KEY)
    for text in ("", "alerts"):
        await stage.ask(text)
    await stage.poll(sms=credit(900))
    await stage.poll(sms=credit(9000))


async def accounts_of_one_host_fail_together(stage: Stage) -> None:
    shared = f"api.smspartner.fr@{CHANNEL}"
    accounts = [replace(SMS, name=f"team-{number}", group=shared) for number in range(1, 13)]
    await stage.start(*accounts)
    await stage.poll(**{one.name: credit(9000) for one in accounts})
    for _ in range(3):
        await stage.poll(**{one.name: DOWN for one in accounts[:2]})
    await stage.ask("alerts")
    await stage.press("ack")
    for _ in range(3):
        await stage.poll(**{one.name: Failure(Cause.SERVER_FAULT, status=502) for one in accounts[2:]})
    await stage.ask("")
    some: dict[str, Found] = {"team-1": credit(8000), "team-3": WRONG_KEY}
    await stage.poll(**some)
    await stage.poll(**{one.name: credit(9000) for one in accounts})


async def sub_accounts_run_low_beside_their_parent(stage: Stage) -> None:
    await stage.start(PARENT)
    await stage.poll(agency=family("100", "50"))
    for text in ("", "agency", "thresholds"):
        await stage.ask(text)
    await stage.poll(agency=family("100", "19.99"))
    await stage.poll(agency=family("0", "19.99"))
    for text in ("", "alerts"):
        await stage.ask(text)
    await stage.poll(agency=family("0", "21", sms=4000))
    await stage.poll(agency=family("0", None))
    await stage.poll(agency=family("0"))
    await stage.poll(agency=family("0"))
    await stage.poll(agency=family("100", "50"))
    await stage.poll(agency=family(*["5"] * 14))
    await stage.ask("agency")
    await stage.poll(agency=family())
    await stage.poll(agency=family())


async def the_list_of_sub_accounts_cannot_be_read(stage: Stage) -> None:
    await stage.start(PARENT)
    await stage.poll(agency=family("100", "50"))
    for cause in (Cause.TIMEOUT, Cause.DENIED, Cause.TOO_MANY, Cause.INCOMPLETE):
        for _ in range(3):
            await stage.poll(agency=unlisted(cause))
        await stage.ask("")
        await stage.ask("alerts")
        await stage.poll(agency=family("100", "50"))
    for _ in range(3):
        await stage.poll(agency=family("100", None))
    await stage.ask("")
    for _ in range(3):
        await stage.poll(agency=DOWN)
    await stage.poll(agency=family("100", "50"))


async def lists_of_several_accounts_cannot_be_read(stage: Stage) -> None:
    shared = f"api.smspartner.fr@{CHANNEL}"
    first, second = (replace(PARENT, name=name, group=shared) for name in ("agency", "branch"))
    await stage.start(first, second)
    for _ in range(3):
        await stage.poll(agency=unlisted(Cause.TIMEOUT), branch=unlisted(Cause.TIMEOUT))
    await stage.start(first, second)
    for _ in range(3):
        await stage.poll(agency=DOWN)
    await stage.poll(agency=family("100"), branch=family("100"))


async def voice_and_mail(stage: Stage) -> None:
    await stage.start(VOICE, MAIL)
    await stage.poll(voice=SPOKEN, mail=MAILS)
    for text in ("", "voice", "mail", "thresholds", "help"):
        await stage.ask(text)
    await stage.poll(voice=Failure(Cause.KEY_WRONG, code="10"), mail=Failure(Cause.NOT_FOUND, status=404))
    await stage.poll(voice=replace(SPOKEN, amounts={**SPOKEN.amounts, Field.BALANCE: Decimal(0)}), mail=MAILS)
    await stage.poll(voice=replace(SPOKEN, amounts={**SPOKEN.amounts, Field.BALANCE: Decimal(500)}))


async def many_accounts(stage: Stage) -> None:
    accounts = [replace(SMS, name=named(number)) for number in range(30)]
    await stage.start(*accounts)
    left: dict[str, Found] = {
        one.name: credit(9000 if number % 5 else 500 * number) for number, one in enumerate(accounts)
    }
    await stage.poll(**{**left, accounts[7].name: WRONG_KEY})
    for text in ("", "alerts", "thresholds", "help"):
        await stage.ask(text)


async def the_configuration_changes(stage: Stage) -> None:
    await stage.start(BOTH)
    await stage.poll(sms=credit(4812, 190))
    await stage.start(replace(BOTH, rules=(rule(Level.WARNING, 1000), *MONEY)))
    await stage.poll(sms=credit(4812, 190))
    await stage.start(replace(BOTH, rules=(rule(Level.WARNING, 1000), MONEY[1])))
    await stage.start(replace(SMS, rules=(rule(Level.WARNING, 6000),)))
    await stage.poll(sms=credit(4812, 190))
    await stage.start(replace(SMS, rules=(rule(Level.WARNING, 1000),)))
    await stage.poll(sms=credit(4812, 190))
    await stage.start(SMS)
    await stage.poll(sms=credit(4812, 190))
    await stage.press("ack")
    await stage.start(replace(SMS, channel="C0OTHER"))
    await stage.press("ack")
    await stage.start(MAIL)


async def nothing_is_read_for_long(stage: Stage) -> None:
    await stage.start(SMS)
    await stage.poll(sms=credit(9000))
    for _ in range(70):
        stage.wall.pass_(timedelta(minutes=1))
        await stage.service.lead()
    await stage.deliver()
    await stage.poll()
    stage.wall.pass_(9 * HOUR)
    await stage.start(SMS)
    await stage.poll()
    stage.wall.set_(9 * HOUR)
    stage.service.clock_was_set(9 * HOUR)
    await stage.poll()
    for cause in Unusable:
        await stage.channel.say(CHANNEL, StoreAway(cause, "smscredits_notice"))
    await stage.channel.say(CHANNEL, None)


async def slack_refuses(stage: Stage) -> None:
    await stage.start(SMS)
    await stage.poll(sms=credit(9000))
    await stage.poll(sms=credit(8000))
    stage.channel.refusal = NotDelivered("not_in_channel", permanent=True)
    await stage.poll(sms=credit(4812))
    for error in (*ENGLISH.slack_errors, "no_such_error_as_this"):
        stage.channel.refusal = NotDelivered(error, permanent=True)
        await stage.wait(HOUR)
        await stage.ask("ack")
    await stage.ask("alerts")
    stage.channel.refusal = NotDelivered("timeout", unknown=True)
    await stage.poll(HOUR, sms=credit(0, 0))
    await stage.poll(HOUR, sms=credit(4812))
    stage.channel.refusal = None
    await stage.poll(HOUR)
    stage.channel.refusal = NotDelivered("network")
    await stage.poll(HOUR, sms=credit(9000))
    stage.channel.refusal = None
    await stage.wait(HOUR)
    stage.channel.refusal = NotDelivered("network")
    await stage.poll(sms=credit(900))
    await stage.poll(sms=credit(9000))
    stage.channel.refusal = None
    await stage.wait(HOUR)


async def slack_takes_no_mention_and_no_layout(stage: Stage) -> None:
    stage.channel.bare = frozenset({Embellishment.MENTION, Embellishment.BLOCKS})
    await stage.start(SMS, mention="<!channel>")
    await stage.poll(sms=credit(4812))
    await stage.poll(sms=credit(0))
    await stage.press("ack")
    await stage.poll(sms=credit(9000))
    await stage.start(SMS, mention="<!subteam^S0123>")
    await stage.poll(sms=credit(0))


async def people_ask_what_is_not_there_or_may_not_ask(stage: Stage) -> None:
    await stage.start(SMS)
    await stage.poll(sms=credit(9000))
    for text in (
        "",
        "help",
        "alertz",
        "nonsense & <more>",
        "snooze",
        "snooze 1m",
        "ack smz",
        "thresholds now",
    ):
        await stage.ask(text)
    users, channels = frozenset({"U0BRUNO"}), frozenset({"C0OTHER", "C0THIRD"})
    await stage.start(SMS, access=Access(users, channels))
    for text in ("", "help"):
        await stage.ask(text)
        await stage.ask(text, by="U0BRUNO")
    await stage.poll(sms=credit(4812))
    await stage.press("ack")
    await stage.press("nonsense", by="U0BRUNO")


STORIES: tuple[Callable[[Stage], Awaitable[None]], ...] = (
    credits_fall_and_come_back,
    two_rules_cross_for_one_cause,
    low_at_the_first_reading,
    nothing_is_configured_but_empty,
    people_mute_remind_and_resume,
    every_cause_for_which_an_account_cannot_be_read,
    money_is_counted_in_another_unit,
    failures_are_counted_before_they_are_posted,
    low_and_unreadable_at_once,
    accounts_of_one_host_fail_together,
    sub_accounts_run_low_beside_their_parent,
    the_list_of_sub_accounts_cannot_be_read,
    lists_of_several_accounts_cannot_be_read,
    voice_and_mail,
    many_accounts,
    the_configuration_changes,
    nothing_is_read_for_long,
    slack_refuses,
    slack_takes_no_mention_and_no_layout,
    people_ask_what_is_not_there_or_may_not_ask,
)
