"""One account, one unit of money: figures of two are neither compared nor added."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.core.alert import step
from bot.core.currency import unit_of
from bot.core.model import Field, Level, SubAccounts
from bot.core.notice import Reason, Step
from bot.core.reading import Cause, Credits, Failure, Reading, SubAccount
from bot.core.watch import ThresholdChange, Trouble
from tests.samples import CRITICAL, DOWN, POLICY, WARNING, account, at, credit, judged, lived, rule

MONEY = rule(Level.WARNING, 50, Field.BALANCE)
WATCHED = account(MONEY)
IN_FRANCS = replace(account(rule(Level.WARNING, 30_000, Field.BALANCE)), currency="XOF")


def having(balance: str | int, unit: str, sms: int = 9000) -> Reading:
    return Reading(at(0), credit(sms, balance, unit))


def told(step: Step) -> list[str]:
    troubles = {one.id: one.trouble for one in step.touched}
    return [f"{owed.kind} {troubles[owed.episode]}" for owed in step.notices]


def lived_in(*readings: Reading | Failure, watched: object = WATCHED) -> list[Step]:
    dated = [
        replace(one, began_at=at(minute)) if isinstance(one, Reading) else one
        for minute, one in enumerate(readings)
    ]
    return lived(*dated, watched=watched)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("€", "EUR"), ("EUR", "EUR"), (" eur ", "EUR"), ("Eur", "EUR"), ("xof", "XOF"),
        ("\uff25\uff35\uff32", "EUR"), ("\u200bEUR\u00a0", "EUR"), ("F CFA", "F CFA"), ("F\t CFA", "F CFA"),
        ("Fcfa", "Fcfa"), ("$", "$"), ("zł", "zł"), ("", ""), (" ", ""), ("978", "978"),
    ],
)  # fmt: skip
def test_a_unit_has_one_spelling_and_one_that_is_not_known_is_kept(written: str, unit: str) -> None:
    assert unit_of(written) == unit


@pytest.mark.parametrize(
    ("configured", "first", "then", "fits"),
    [
        ("", "EUR", "EUR", True),
        ("", "EUR", "XOF", False),
        ("", "EUR", "", True),  # none given: the last known one
        ("", "", "EUR", True),  # the first that is given
        ("", "Fcfa", "FCFA", True),
        ("EUR", "EUR", "USD", False),
        ("EUR", "", "$", False),
    ],
)
def test_a_reading_in_another_unit_than_the_account_s_is_unreadable(
    configured: str, first: str, then: str, *, fits: bool
) -> None:
    watched = replace(WATCHED, currency=configured)
    before, after = lived_in(having(342, first), having(7000, then), watched=watched)
    assert told(before) == []
    assert told(after) == ([] if fits else ["opened unreadable"])
    assert (after.reading is not None) is fits
    assert (after.failure is None) is fits


def test_a_unit_that_was_known_once_is_known_after_readings_that_give_none() -> None:
    steps = lived_in(having(342, "EUR"), having(341, ""), having(340, ""), having(7000, "XOF"))
    assert [step.watch.reading and step.watch.reading.credits.currency for step in steps] == ["EUR"] * 4
    assert told(steps[-1]) == ["opened unreadable"]


def test_the_very_first_reading_is_held_against_the_configured_unit() -> None:
    (step,) = lived_in(having(7000, "XOF"), watched=replace(WATCHED, currency="EUR"))
    assert told(step) == ["opened unreadable"]
    failure = step.watch.failure
    assert failure == Failure(Cause.CURRENCY, amount=Decimal(7000), unit="XOF", instead="EUR")
    assert step.watch.reading is None


@pytest.mark.parametrize(
    ("balance", "unit", "what"),
    [
        ("7477.81", "XOF", "no recovery and no top-up"),
        ("0.04", "BTC", "no fall"),
        (0, "XOF", "nothing in another unit is empty"),
    ],
)
def test_what_is_low_stays_as_it_is_while_the_unit_is_another(
    balance: str | int, unit: str, what: str
) -> None:
    low, foreign, back = lived_in(having("11.40", "EUR"), having(balance, unit), having("11.40", "EUR"))
    assert foreign.watch.low is not None
    assert low.watch.low is not None
    assert foreign.watch.low.firing == low.watch.low.firing, what
    assert foreign.watch.low.topped_up == 0, what
    assert foreign.watch.reading == low.watch.reading
    assert told(foreign) == ["opened unreadable"]
    assert told(back) == ["ended unreadable"]
    assert back.watch.low is not None
    assert back.watch.low.rise is None


def test_sms_that_are_used_up_in_another_unit_are_not_told_as_such() -> None:
    steps = lived_in(having(342, "EUR"), having(0, "XOF", sms=0), watched=account(WARNING, CRITICAL))
    assert steps[-1].watch.low is None


def test_a_command_s_reading_in_another_unit_changes_and_counts_nothing() -> None:
    watch = lived_in(having(342, "EUR"))[-1].watch
    found = replace(having(7000, "XOF"), began_at=at(1))
    asked = step(watch, WATCHED, found, at(1), at(1), POLICY, polled=False)
    assert (asked.watch, asked.reasons, asked.touched) == (watch, (Reason.NOT_COUNTED,), ())
    assert asked.failure
    assert asked.failure.cause is Cause.CURRENCY


# Once CURRENCY says the new unit


@pytest.mark.parametrize(
    ("balance", "level", "expected"),
    [
        (40_000, Level.OK, ["ended low", "ended unreadable"]),
        (30_500, Level.OK, ["ended low", "ended unreadable"]),  # no margin: judged afresh
        (29_999, Level.WARNING, ["ended unreadable"]),
    ],
)
def test_the_new_unit_is_readable_once_it_is_configured_and_an_open_episode_is_judged_afresh(
    balance: int, level: Level, expected: list[str]
) -> None:
    watch = lived_in(having("11.40", "EUR"), having("20", "EUR"), having("7477.81", "XOF"))[-1].watch
    step = judged(watch, replace(having(balance, "XOF"), began_at=at(3)), 3, IN_FRANCS)
    assert step.watch.level is level
    assert told(step) == expected
    (low,) = [one for one in step.touched if one.trouble is Trouble.LOW]
    assert low.topped_up == 0, "francs were added to euros"
    assert low.rise is None


def test_the_same_number_in_another_unit_is_another_threshold() -> None:
    watch = lived_in(having(40, "EUR"))[-1].watch
    in_francs = replace(WATCHED, currency="XOF")
    afresh = judged(watch, replace(having(51, "XOF"), began_at=at(1)), 1, in_francs)
    assert told(afresh) == ["ended low"]


def test_figures_of_the_old_unit_are_unreadable_once_another_is_configured() -> None:
    watch = lived_in(having(342, "EUR"))[-1].watch
    step = judged(watch, replace(having(342, "EUR"), began_at=at(1)), 1, IN_FRANCS)
    assert step.failure
    assert (step.failure.unit, step.failure.instead) == ("EUR", "XOF")


def test_rises_in_the_new_unit_count_from_its_first_reading_on() -> None:
    watch = lived_in(having("11.40", "EUR"), having("31.40", "EUR"))[-1].watch
    first = judged(watch, replace(having(20_000, "XOF"), began_at=at(2)), 2, IN_FRANCS)
    second = judged(first.watch, replace(having(25_000, "XOF"), began_at=at(3)), 3, IN_FRANCS)
    assert second.watch.low
    assert second.watch.low.topped_up == 5000


# Sub-accounts

PARENT = replace(
    account(name="marketing"), subaccounts=SubAccounts((rule(Level.WARNING, 20, Field.BALANCE),))
)


def listing(*subaccounts: tuple[str, str | None, str], unit: str = "EUR") -> Reading:
    listed = tuple(
        SubAccount(name, Decimal(balance) if balance else None, currency)
        for name, balance, currency in subaccounts
    )
    return Reading(at(0), Credits({Field.BALANCE: Decimal(342), Field.CREDIT_SMS: Decimal(9)}, unit, listed))


def test_a_sub_account_in_another_unit_than_its_parent_is_told_and_neither_judged_nor_added() -> None:
    before, after = lived_in(
        listing(("7", "10", "EUR"), ("8", "50", "EUR")),
        listing(("7", "6559", "XOF"), ("8", "15", "EUR")),
        watched=PARENT,
    )
    assert told(before) == ["opened low"]
    assert sorted(told(after)) == ["opened unreadable", "worse low"]
    low, unreadable = after.watch.low, after.watch.unreadable
    assert low
    assert {one.subaccount for one in low.firing} == {"7", "8"}, "the one in francs is neither fine nor over"
    assert low.topped_up == 0
    assert unreadable
    assert unreadable.failure
    assert (unreadable.failure.cause, unreadable.failure.subaccount) == (Cause.CURRENCY, "7")
    assert (unreadable.failure.unit, unreadable.failure.instead) == ("XOF", "EUR")


def test_a_sub_account_that_is_back_in_the_unit_is_judged_as_ever_and_did_not_rise() -> None:
    steps = lived_in(
        listing(("7", "10", "EUR")),
        listing(("7", "6559", "XOF")),
        listing(("7", "10", "EUR")),
        watched=PARENT,
    )
    assert told(steps[-1]) == ["ended unreadable"]
    assert steps[-1].watch.low
    assert steps[-1].watch.low.topped_up == 0


@pytest.mark.parametrize(
    ("unit", "theirs", "fits"),
    [("EUR", "", True), ("EUR", "EUR", True), ("", "EUR", True), ("EUR", "USD", False)],
)
def test_a_sub_account_that_gives_no_unit_counts_in_its_parent_s(
    unit: str, theirs: str, *, fits: bool
) -> None:
    (step,) = lived_in(listing(("7", "50", theirs), unit=unit), watched=PARENT)
    assert (step.watch.unreadable is None) is fits


def test_where_the_parent_gives_none_a_sub_account_is_held_against_its_own_last_unit() -> None:
    steps = lived_in(
        listing(("7", "50", "EUR"), unit=""), listing(("7", "32797", "XOF"), unit=""), watched=PARENT
    )
    assert told(steps[-1]) == ["opened unreadable"]


def test_a_failure_between_two_units_forgets_none_of_them() -> None:
    steps = lived_in(having(342, "EUR"), DOWN, having(7000, "XOF"))
    assert told(steps[-1]) == ["opened unreadable"]
    assert steps[-1].watch.failures == 2


@pytest.mark.parametrize("threshold", [3000, 50])
def test_a_threshold_in_another_unit_was_changed_even_if_its_number_was_not(threshold: int) -> None:
    before = lived_in(having("11.40", "EUR"))[-1].watch
    francs = replace(account(rule(Level.WARNING, threshold, Field.BALANCE)), currency="XOF")
    step = judged(before, replace(having("7477.81", "XOF"), began_at=at(1)), 1, francs)
    assert step.reasons == (Reason.ENDED,)
    changed = ThresholdChange(Decimal(50), Decimal(threshold), "EUR", "XOF")
    assert step.touched[0].thresholds_changed == (changed,)
