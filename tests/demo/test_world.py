import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.demo.holdings import SubAccounts
from bot.demo.tariffs import VOICE
from bot.demo.world import MODES, DemoWorld, PrepaidAccount


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 7, 22, 14, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def account(clock: Clock, balance: str = "10225.119", *, drain: int = 0) -> PrepaidAccount:
    return PrepaidAccount(clock, balance=Decimal(balance), drain=drain)


@pytest.mark.parametrize(
    ("balance", "premium", "eco", "hlr"),
    [
        ("10225.119", "269082", "444570", "2045023"),  # the vendor's JSON sample
        ("10224.688", "269070", "444551", "2044937"),  # the vendor's XML sample
        ("0.038", "1", "1", "7"),
        ("0.037", "0", "1", "7"),
        ("0.004", "0", "0", "0"),
        ("0", "0", "0", "0"),
        ("-3.5", "0", "0", "0"),
    ],
)
def test_every_count_is_what_the_one_balance_buys(
    clock: Clock, balance: str, premium: str, eco: str, hlr: str
) -> None:
    figures = account(clock, balance).figures()
    assert (figures["creditSms"], figures["creditSmsECO"], figures["creditHlr"]) == (premium, eco, hlr)


def test_figures_are_text_with_money_to_the_thousandth(clock: Clock) -> None:
    assert account(clock, "12.5").figures() == {
        "creditSms": "328",
        "creditSmsECO": "543",
        "creditHlr": "2500",
        "toSend": "0",
        "balance": "12.500",
        "currency": "EUR",
    }


@pytest.mark.parametrize(
    ("seconds", "balance"),
    [
        (0, "1.000"),
        (0.3, "1.000"),
        (0.34, "0.962"),
        (1, "0.886"),
        (7.9, "0.126"),
        (8.7, "0.012"),
        (9e6, "0.012"),
    ],
)
def test_three_sms_a_second_leave_whole_and_never_below_zero(
    clock: Clock, seconds: float, balance: str
) -> None:
    draining = account(clock, "1", drain=3)
    clock.forward(seconds)
    assert draining.figures()["balance"] == balance


def test_looking_often_does_not_slow_the_drain(clock: Clock) -> None:
    draining = account(clock, "38", drain=3)
    for _ in range(100):
        clock.forward(0.1)
        draining.figures()
    assert draining.wallet().balance == 38 - 30 * Decimal("0.038")


def test_sms_that_cannot_be_paid_wait(clock: Clock) -> None:
    draining = account(clock, "0.1", drain=5)
    clock.forward(10)
    figures = draining.figures()
    assert (figures["balance"], figures["creditSms"], figures["toSend"]) == ("0.024", "0", "48")


def test_a_new_pace_counts_from_its_change(clock: Clock) -> None:
    draining = account(clock, "38", drain=10)
    clock.forward(10)
    draining.drain = 0
    clock.forward(1000)
    assert draining.figures()["creditSms"] == "900"
    draining.drain = 1
    clock.forward(5)
    assert draining.figures()["creditSms"] == "895"


def test_a_clock_set_back_neither_sends_nor_brings_back(clock: Clock) -> None:
    draining = account(clock, "38", drain=1)
    clock.forward(10)
    assert draining.figures()["creditSms"] == "990"
    clock.forward(-3600)
    assert draining.figures()["creditSms"] == "990"
    clock.forward(10)
    assert draining.figures()["creditSms"] == "980"


def test_burning_more_than_there_is_leaves_the_rest_waiting(clock: Clock) -> None:
    spent = account(clock, "3.8")
    spent.burn(1000)
    assert spent.figures()["toSend"] == "900"
    assert spent.wallet().balance == 0


def test_a_top_up_is_added_exactly_and_emptying_takes_all(clock: Clock) -> None:
    spent = account(clock, "0.119")
    spent.top_up(Decimal(100))
    assert spent.figures()["balance"] == "100.119"
    spent.empty()
    assert spent.figures()["balance"] == "0.000"


@pytest.mark.parametrize("amount", ["0", "-1", "0.0001", "NaN", "Infinity"])
def test_a_top_up_that_is_no_money_is_refused(clock: Clock, amount: str) -> None:
    with pytest.raises(ValueError, match=r"top-up|thousandths"):
        account(clock).top_up(Decimal(amount))


@pytest.mark.parametrize(
    ("change", "figure", "value"),
    [
        ({"burn": 1}, "creditSms", "999"),
        ({"burn": 1_000_000}, "toSend", "999000"),
        ({"empty": True}, "balance", "0.000"),
        ({"top_up": "100"}, "balance", "138.000"),
        ({"top_up": "0.005"}, "balance", "38.005"),
        ({"top_up": "1000000"}, "balance", "1000038.000"),
    ],
)
def test_a_change_shows_in_the_figures(clock: Clock, change: dict[str, Any], figure: str, value: str) -> None:
    world = DemoWorld(account(clock, "38"))
    world.apply(change)
    assert world.figures()[figure] == value
    assert world.version == 1


@pytest.mark.parametrize(
    ("change", "settings"),
    [
        ({"drain": 0}, {"provider": "fine", "drain": 0}),
        ({"drain": 1000}, {"provider": "fine", "drain": 1000}),
        *(({"provider": mode}, {"provider": mode, "drain": 5}) for mode in MODES),
    ],
)
def test_a_change_shows_in_the_settings(
    clock: Clock, change: dict[str, Any], settings: dict[str, Any]
) -> None:
    world = DemoWorld(account(clock, drain=5))
    world.apply(change)
    assert world.settings() == settings


BURN = "burn: a whole number from 1 to 1,000,000"
TOP_UP = "top_up: an amount such as"
DRAIN = "drain: a whole number from 0 to 1,000"
REFUSED: list[tuple[str, list[object], str]] = [
    ("burn", [0, -1, 1_000_001, True, 1.0, "1", None, [1], 10**400], BURN),
    ("empty", [False, 1, "true", None], "empty: only true"),
    ("top_up", ["0", "0.000", "1000000.001", "-5", "+5", "1e3", "NaN", "Infinity", "", " 1", "1\n"], TOP_UP),
    ("top_up", ["1.2345", "1,5", ".5", "5.", "\u0661\u0660", 100, 100.0, True, None, Decimal(1)], TOP_UP),
    ("drain", [-1, 1001, True, 0.5, "5"], DRAIN),
    ("provider", ["down", "FINE", "", None, []], "provider: one of fine, slow"),
    ("refund", [1], "unknown change 'refund'"),
]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, "one change at a time"),
        ({"burn": 1, "drain": 1}, "one change at a time"),
        ([{"burn": 1}], "one change at a time"),
        (None, "one change at a time"),
        ({3: 1}, "unknown change 3"),
        *(({name: value}, reason) for name, values, reason in REFUSED for value in values),
    ],
)
def test_anything_else_is_refused_with_the_reason_and_changes_nothing(
    clock: Clock, change: object, reason: str
) -> None:
    world = DemoWorld(account(clock))
    before = (world.figures(), world.settings(), world.version)
    with pytest.raises(ValueError, match=reason) as refused:
        world.apply(change)
    assert len(str(refused.value)) < 200
    assert (world.figures(), world.settings(), world.version) == before


async def test_all_who_wait_learn_of_a_change(clock: Clock) -> None:
    world = DemoWorld(account(clock))
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        waiting = [group.create_task(world.changed(0)) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        world.apply({"provider": "slow"})
    assert [task.result() for task in waiting] == [1, 1, 1]


async def test_a_change_that_is_past_is_told_at_once(clock: Clock) -> None:
    world = DemoWorld(account(clock))
    world.apply({"burn": 1})
    world.apply({"burn": 1})
    assert await world.changed(0) == 2


async def test_draining_is_a_change_each_tick_told_once_to_all(clock: Clock) -> None:
    world = DemoWorld(account(clock, drain=5), tick=0.01)
    clock.forward(1)
    async with asyncio.timeout(5):
        first, second = await asyncio.gather(world.changed(0), world.changed(0))
        assert (first, second) == (1, 1)
        clock.forward(1)
        assert await world.changed(1) == 2


async def test_without_a_changed_figure_a_tick_is_silent(clock: Clock) -> None:
    world = DemoWorld(account(clock, drain=5), tick=0.001)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await world.changed(0)
    assert world.version == 0


async def test_a_drain_opened_while_somebody_waits_is_followed(clock: Clock) -> None:
    world = DemoWorld(account(clock), tick=0.01)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        second = group.create_task(world.changed(1))
        await asyncio.sleep(0)
        world.apply({"drain": 5})
        clock.forward(1)
    assert second.result() == 2


async def test_draining_is_told_about_once_a_second(clock: Clock) -> None:
    world = DemoWorld(account(clock, drain=5))
    clock.forward(1)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await world.changed(0)
    assert 0.9 < loop.time() - begun < 2


# Several accounts


def several(clock: Clock) -> DemoWorld:
    parent = PrepaidAccount(clock, subaccounts=SubAccounts(clock, [Decimal(10), Decimal(20)], first=101))
    return DemoWorld(parent, PrepaidAccount(clock, name="voice", tariff=VOICE, balance=Decimal(19)))


def test_every_account_is_shown_with_its_sub_accounts(clock: Clock) -> None:
    sms, voice = several(clock).accounts()
    assert [(one["id"], one["figures"]["balance"]) for one in sms["subaccounts"]] == [
        (101, "10.000"),
        (102, "20.000"),
    ]
    assert (voice["subaccounts"], voice["piece"], voice["figures"]["balance"]) == (None, "calls", "19.000")


def test_calls_that_cannot_be_paid_take_no_money_and_are_not_said_to_wait(clock: Clock) -> None:
    world = several(clock)
    world.apply({"account": "voice", "burn": 500})
    _, voice = world.accounts()
    assert voice["figures"]["balance"] == "0.000"
    assert "toSend" not in voice["figures"]


def test_a_change_without_an_account_is_for_the_first(clock: Clock) -> None:
    world = several(clock)
    world.apply({"provider": "slow"})
    assert [one["provider"] for one in world.accounts()] == ["slow", "fine"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"account": "fax", "burn": 1}, "account: there is none called 'fax'"),
        ({"account": 7, "burn": 1}, "account: there is none called 7"),
        ({"account": "sms"}, "one change at a time"),
        ({"account": "sms", "burn": 1, "drain": 1}, "one change at a time"),
        ({"subaccount": 7, "burn": 1}, "subaccount: sms has none with the id 7"),
        ({"subaccount": "101", "burn": 1}, "subaccount: sms has none with the id '101'"),
        ({"subaccount": 101, "drain": 1}, "unknown change 'drain'"),
        ({"subaccount": 101, "remove": 1}, "remove: only true"),
        ({"account": "voice", "subaccount": 101, "burn": 1}, "voice has none with the id 101"),
        ({"account": "voice", "add_subaccount": True}, "voice can have no more sub-accounts"),
        ({"every_provider": "down"}, "provider: one of fine"),
    ],
)
def test_a_change_of_what_is_not_there_is_refused_and_changes_nothing(
    clock: Clock, change: dict[str, Any], reason: str
) -> None:
    world = several(clock)
    before = (world.accounts(), world.version)
    with pytest.raises(ValueError, match=reason):
        world.apply(change)
    assert (world.accounts(), world.version) == before
