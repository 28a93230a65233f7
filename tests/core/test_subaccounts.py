from dataclasses import replace
from decimal import Decimal

import pytest

from bot.core.alert import figures_are_old
from bot.core.alert import step as judge
from bot.core.model import Account, Field, Level, Rule, SubAccounts
from bot.core.mute import Decision, decide
from bot.core.notice import Kind, Reason, Step, Urgency
from bot.core.reading import Cause, Credits, Failure, Reading, SubAccount
from bot.core.reconcile import reconcile
from bot.core.watch import Ending, Firing, ThresholdChange, Watch
from tests.samples import (
    CRITICAL,
    DOWN,
    POLICY,
    WARNING,
    WRONG_KEY,
    account,
    at,
    credit,
    judged,
    reading,
    rule,
)

RULES = (rule(Level.WARNING, 20, Field.BALANCE), rule(Level.CRITICAL, 5, Field.BALANCE))
PARENT = replace(account(WARNING, CRITICAL, name="marketing"), subaccounts=SubAccounts(RULES))

Balances = dict[str, str | None]
REFUSED_LIST = Failure(Cause.API_REFUSED, status=200, code="40", listing=True)
SLOW_LIST = Failure(Cause.TIMEOUT, listing=True)
NO_BALANCE = Failure(Cause.FIELD_MISSING, field="balance", listing=True)


def listed(
    minute: float,
    balances: Balances,
    *,
    sms: int = 9000,
    balance: str = "342",
    unlisted: Failure | None = None,
) -> Reading:
    subaccounts = tuple(
        SubAccount(name, Decimal(left) if left is not None else None, "EUR")
        for name, left in balances.items()
    )
    found: Credits = credit(sms, balance)
    return Reading(at(minute), replace(found, subaccounts=subaccounts, unlisted=unlisted))


def lived(*outcomes: Reading | Failure, watched: Account = PARENT) -> list[Step]:
    steps: list[Step] = []
    for minute, outcome in enumerate(outcomes):
        steps.append(judged(steps[-1].watch if steps else Watch(), outcome, minute, watched))
    return steps


def known(*outcomes: Reading | Failure) -> Watch:
    return lived(*outcomes)[-1].watch


def levels(watch: Watch) -> dict[str, Level]:
    """Return the worst level of each that is in trouble; the account itself has no name."""
    found: dict[str, Level] = {}
    for one in watch.low.firing if watch.low else ():
        found[one.subaccount] = max(one.level, found.get(one.subaccount, Level.OK))
    return found


def told(step: Step) -> list[tuple[Kind, Level]]:
    return [(owed.kind, owed.level) for owed in step.notices]


@pytest.mark.parametrize(
    ("balance", "level"),
    [
        ("20", None),
        ("19.999", Level.WARNING),
        ("5", Level.WARNING),
        ("4.99", Level.CRITICAL),
        ("0.001", Level.CRITICAL),
        ("0", Level.EMPTY),
        ("-3", Level.EMPTY),
    ],
)
def test_each_subaccount_is_judged_by_its_own_rules(balance: str, level: Level | None) -> None:
    (step,) = lived(listed(0, {"7": balance, "8": "50"}))
    assert levels(step.watch) == ({"7": level} if level else {})
    assert told(step) == ([(Kind.OPENED, level)] if level else [])


def test_an_account_and_its_subaccounts_share_one_episode_at_the_worst_level() -> None:
    (step,) = lived(listed(0, {"7": "19", "8": "0", "9": "4"}, sms=4999))
    assert step.watch.low
    assert step.watch.low.level is Level.EMPTY
    assert levels(step.watch) == {
        "": Level.WARNING,
        "7": Level.WARNING,
        "8": Level.EMPTY,
        "9": Level.CRITICAL,
    }
    assert told(step) == [(Kind.OPENED, Level.EMPTY)]


@pytest.mark.parametrize(("then", "level"), [("0.999", Level.EMPTY), ("1", None), ("-1", Level.EMPTY)])
def test_a_used_up_subaccount_is_so_until_it_has_one_of_the_unit_of_money(
    then: str, level: Level | None
) -> None:
    bare = replace(PARENT, subaccounts=SubAccounts())
    steps = lived(listed(0, {"7": "0"}), listed(1, {"7": then}), watched=bare)
    assert levels(steps[1].watch).get("7") == level
    assert told(steps[1]) == ([] if level else [(Kind.ENDED, Level.EMPTY)])


def test_without_rules_only_an_empty_subaccount_is_told() -> None:
    bare = replace(PARENT, subaccounts=SubAccounts())
    (step,) = lived(listed(0, {"7": "0.01", "8": "0"}), watched=bare)
    assert levels(step.watch) == {"8": Level.EMPTY}


def test_those_that_become_worse_in_one_poll_make_one_ping() -> None:
    _, step = lived(listed(0, {"7": "19", "8": "30", "9": "30"}), listed(1, {"7": "4", "8": "19", "9": "1"}))
    assert (step.reasons, told(step)) == ((Reason.WORSE,), [(Kind.WORSE, Level.CRITICAL)])


def test_a_subaccount_that_becomes_low_pings_though_another_is_worse() -> None:
    *_, step = lived(listed(0, {"7": "4", "8": "30"}), listed(1, {"7": "4", "8": "19"}))
    assert told(step) == [(Kind.WORSE, Level.WARNING)], "told by its own level: nobody is mentioned for it"
    assert step.watch.low
    assert step.watch.low.level is Level.CRITICAL


def test_one_that_recovers_while_another_is_low_is_an_edit() -> None:
    *_, step = lived(listed(0, {"7": "19", "8": "18"}), listed(1, {"7": "60", "8": "18"}))
    assert (step.reasons, told(step)) == ((Reason.SAME_LEVEL,), [])
    assert set(step.edits.values()) == {Urgency.NOW}


def test_each_ends_only_above_its_margin_and_the_episode_with_the_last() -> None:
    steps = lived(
        listed(0, {"7": "19", "8": "4"}),
        listed(1, {"7": "21.99", "8": "22"}),  # 20 + 10 %
        listed(2, {"7": "22", "8": "22"}),
    )
    assert [levels(step.watch) for step in steps] == [
        {"7": Level.WARNING, "8": Level.CRITICAL},
        {"7": Level.WARNING},
        {},
    ]
    assert told(steps[-1]) == [(Kind.ENDED, Level.WARNING)]


# Mutes

MUTED = Decision("U1", at(3000))


def muted(watch: Watch) -> Watch:
    assert watch.low
    return decide(watch, watch.low.id, MUTED, at(1.5), POLICY).watch


@pytest.mark.parametrize(
    ("before", "after", "pings"),
    [
        pytest.param({"7": "4", "8": "30"}, {"7": "4", "8": "19"}, False, id="another low, no worse"),
        pytest.param({"7": "4", "8": "30"}, {"7": "4", "8": "4"}, False, id="another as bad"),
        pytest.param({"7": "19", "8": "30"}, {"7": "19", "8": "4"}, True, id="another worse than the mute"),
        pytest.param({"7": "4", "8": "30"}, {"7": "4", "8": "0"}, True, id="another empty"),
        pytest.param({"7": "0", "8": "30"}, {"7": "0", "8": "0"}, True, id="empty breaks every mute"),
        pytest.param({"7": "0", "8": "30"}, {"7": "0", "8": "30"}, False, id="still empty"),
    ],
)
def test_a_mute_holds_for_what_is_no_worse_and_never_for_empty(
    before: Balances, after: Balances, *, pings: bool
) -> None:
    watch = muted(known(listed(0, before)))
    step = judged(watch, listed(2, after), 2, PARENT)
    assert bool(step.notices) is pings
    assert step.watch.low
    assert (step.watch.low.mute is None) is pings


# Coming and going at the provider's


def test_a_subaccount_that_appears_is_judged_and_one_that_vanishes_ends_after_two_complete_lists() -> None:
    steps = lived(
        listed(0, {"7": "50"}),
        listed(1, {"7": "50", "8": "3"}),
        listed(2, {"7": "50"}),
        listed(3, {"7": "50"}),
    )
    assert [levels(step.watch) for step in steps] == [{}, {"8": Level.CRITICAL}, {"8": Level.CRITICAL}, {}]
    assert [told(step) for step in steps[2:]] == [[], [(Kind.ENDED, Level.CRITICAL)]]


def test_one_that_is_missing_once_and_comes_back_changes_nothing() -> None:
    steps = lived(listed(0, {"7": "3"}), listed(1, {}), listed(2, {"7": "3"}), listed(3, {}))
    assert [told(step) for step in steps[1:]] == [[], [], []]
    assert levels(steps[-1].watch) == {"7": Level.CRITICAL}


def test_a_list_that_fails_is_no_list_without_them() -> None:
    watch = known(*(listed(minute, {}, unlisted=SLOW_LIST) for minute in range(1, 6)))
    assert watch.low is None
    watch = known(
        listed(0, {"7": "3"}),
        *(listed(minute, {}, unlisted=SLOW_LIST) for minute in range(1, 6)),
        listed(6, {}),
    )
    assert levels(watch) == {"7": Level.CRITICAL}
    assert watch.reading
    assert [one.absences for one in watch.reading.credits.subaccounts] == [1]


def test_a_balance_that_is_not_given_any_more_ends_nothing_and_starts_nothing() -> None:
    steps = lived(listed(0, {"7": "3", "8": "50"}), listed(1, {"7": None, "8": None}))
    assert [levels(step.watch) for step in steps] == [{"7": Level.CRITICAL}] * 2
    assert told(steps[1]) == []
    assert (steps[1].watch.failures, steps[1].watch.failure) == (1, NO_BALANCE)


def test_an_empty_one_whose_balance_is_not_given_any_more_is_empty_still() -> None:
    for step in lived(listed(0, {"7": "0"}), listed(1, {"7": None})):
        assert step.watch.low
        assert Firing(Field.BALANCE, Level.EMPTY, Decimal(0), "7") in step.watch.low.firing


# A balance that is missing


@pytest.mark.parametrize("rules", [RULES, ()], ids=["with rules", "only empty is told"])
def test_a_subaccount_without_a_balance_is_told_as_a_list_that_fails_is(rules: tuple[Rule, ...]) -> None:
    watched = replace(PARENT, subaccounts=SubAccounts(rules))
    blind = [listed(minute, {"7": None, "8": "50"}) for minute in range(3)]
    steps = lived(*blind, listed(3, {"7": "50", "8": "50"}), watched=watched)
    opened, ended = [(Kind.OPENED, Level.WARNING)], [(Kind.ENDED, Level.WARNING)]
    assert [told(step) for step in steps] == [[], [], opened, ended]
    assert [step.watch.failures for step in steps] == [1, 2, 3, 0]
    assert steps[2].watch.unreadable
    assert steps[2].watch.unreadable.failure == NO_BALANCE


def test_a_list_that_fails_says_why_itself_though_a_balance_was_missing_on_the_one_before() -> None:
    watch = known(listed(0, {"7": None}), listed(1, {}, unlisted=SLOW_LIST))
    assert watch.reading
    assert (watch.reading.credits.unlisted, watch.failure) == (SLOW_LIST, SLOW_LIST)


def test_while_a_balance_is_missing_all_others_are_judged_as_ever() -> None:
    steps = lived(
        listed(0, {"7": None, "8": "19", "9": "50"}),
        listed(1, {"7": None, "8": "50", "9": "3"}),
        listed(2, {"7": None, "8": "50"}),
        listed(3, {"7": None, "8": "50"}),
    )
    judged_ones = [{"8": Level.WARNING}, {"9": Level.CRITICAL}, {"9": Level.CRITICAL}, {}]
    assert [levels(step.watch) for step in steps] == judged_ones


def test_one_that_vanishes_without_a_balance_fails_no_list_that_does_not_hold_it() -> None:
    assert known(listed(0, {"7": None, "8": "50"}), listed(1, {"8": "50"})).failures == 0


def test_a_balance_that_is_missing_for_a_command_is_shown_and_not_counted() -> None:
    asked = listed(1, {"7": None})
    step = judge(Watch(), PARENT, asked, asked.began_at, asked.began_at, POLICY, polled=False)
    assert (step.watch.failures, told(step)) == (0, [])
    assert step.watch.reading
    assert step.watch.reading.credits.unlisted == NO_BALANCE


# What is switched off


EMAILS = replace(PARENT, subaccounts=SubAccounts(RULES, emails=True))


def with_emails(minute: float) -> Reading:
    found = listed(minute, {"7": "3", "8": "50"})
    rows = tuple(replace(one, email=f"{one.id}@example.com") for one in found.credits.subaccounts)
    return replace(found, credits=replace(found.credits, subaccounts=rows))


@pytest.mark.parametrize(
    ("watched", "ids", "emails"),
    [
        pytest.param(EMAILS, {"7", "8"}, {"7@example.com", "8@example.com"}, id="still wanted"),
        pytest.param(PARENT, {"7", "8"}, {""}, id="without e-mails"),
        pytest.param(replace(PARENT, subaccounts=None), set(), set(), id="without sub-accounts"),
    ],
)
@pytest.mark.parametrize("unlisted", [None, SLOW_LIST], ids=["listed", "not listed"])
def test_what_is_switched_off_is_forgotten_though_its_list_may_fail(
    watched: Account, ids: set[str], emails: set[str], unlisted: Failure | None
) -> None:
    before = judged(Watch(), with_emails(0), 0, EMAILS).watch
    found = judged(before, listed(1, {}, unlisted=unlisted), 1, watched).watch.reading
    assert found
    assert {one.id for one in found.credits.subaccounts} == ids
    assert {one.email for one in found.credits.subaccounts} == emails


# A list that cannot be read


def test_while_the_list_fails_the_account_itself_is_judged() -> None:
    step = lived(listed(0, {"7": "50"}), listed(1, {}, sms=999, unlisted=SLOW_LIST))[-1]
    assert told(step) == [(Kind.OPENED, Level.CRITICAL)]
    assert (step.watch.failures, step.watch.failure) == (1, SLOW_LIST)


def test_a_list_that_fails_for_long_or_is_refused_is_told_as_unreadable_and_so_is_its_end() -> None:
    opened, ended = [(Kind.OPENED, Level.WARNING)], [(Kind.ENDED, Level.WARNING)]
    slow = lived(*(listed(minute, {}, unlisted=SLOW_LIST) for minute in range(3)), listed(3, {"7": "50"}))
    assert [told(step) for step in slow] == [[], [], opened, ended]
    (refused,) = lived(listed(0, {}, unlisted=REFUSED_LIST))
    assert refused.watch.unreadable
    assert (refused.watch.unreadable.failure, told(refused)) == (REFUSED_LIST, opened)


def test_a_list_that_fails_for_a_command_is_shown_and_not_counted() -> None:
    watch = known(listed(0, {"7": "50"}), WRONG_KEY)
    for minute in range(2, 7):
        asked = listed(minute, {}, unlisted=SLOW_LIST)
        step = judge(watch, PARENT, asked, asked.began_at, asked.began_at, POLICY, polled=False)
        assert told(step) == ([(Kind.ENDED, Level.WARNING)] if minute == 2 else [])
        watch = step.watch
        assert (watch.failures, watch.unreadable) == (0, None)
        assert watch.reading
        assert (watch.reading.began_at, watch.reading.credits.unlisted) == (asked.began_at, SLOW_LIST)
    assert judged(watch, listed(7, {}, unlisted=SLOW_LIST), 7, PARENT).watch.failures == 1


def test_failures_of_the_list_are_none_of_the_account() -> None:
    lists = (listed(minute, {}, unlisted=SLOW_LIST) for minute in (0, 1))
    steps = lived(*lists, DOWN, DOWN, DOWN)
    assert [told(step) for step in steps] == [[], [], [], [], [(Kind.OPENED, Level.WARNING)]]
    assert steps[-1].watch.unreadable
    assert steps[-1].watch.unreadable.opened_at == at(2)


def test_that_the_list_fails_hushes_no_account_that_cannot_be_read_afterwards() -> None:
    lists = [listed(minute, {}, unlisted=SLOW_LIST) for minute in range(3)]
    steps = lived(*lists, DOWN, DOWN, DOWN, DOWN, listed(7, {}, unlisted=SLOW_LIST))
    opened, worse, ended = ([(kind, Level.WARNING)] for kind in (Kind.OPENED, Kind.WORSE, Kind.ENDED))
    assert [told(step) for step in steps[2:]] == [opened, [], [], worse, [], ended]
    refused = lived(*lists, WRONG_KEY)[-1]
    assert told(refused) == worse, "what waiting does not heal is told at once"
    back = lived(*lists, DOWN, listed(4, {}, unlisted=SLOW_LIST))[-1]
    assert (told(back), back.watch.unreadable is not None) == ([], True)


def test_a_list_that_is_not_asked_for_any_more_is_not_told_to_be_read_again() -> None:
    watch = known(*(listed(minute, {}, unlisted=SLOW_LIST) for minute in range(3)))
    alone = replace(PARENT, subaccounts=None)
    step = reconcile(watch, alone, at(4), POLICY)
    (closed,) = step.touched
    assert (closed.ending, told(step), step.watch.failures) == (Ending.NOT_CONFIGURED, [], 0)
    read = judged(step.watch, reading(minute=5), 5, alone)
    assert (told(read), read.watch.unreadable) == ([], None)


def test_a_list_that_is_still_asked_for_stays_told_over_a_restart() -> None:
    watch = known(*(listed(minute, {}, unlisted=SLOW_LIST) for minute in range(3)))
    assert watch.unreadable
    step = reconcile(watch, PARENT, at(4), POLICY)
    assert (step.watch, step.reasons, step.touched) == (watch, (Reason.NOTHING_DUE,), ())


def test_what_is_switched_off_is_said_in_the_message_of_the_list_and_in_that_of_the_low_account() -> None:
    low = listed(0, {"7": "0"}, sms=4999)
    watch = known(low, *(listed(minute, {}, sms=4999, unlisted=SLOW_LIST) for minute in (1, 2, 3)))
    assert len(watch.episodes) == 2
    step = reconcile(watch, replace(PARENT, subaccounts=None), at(5), POLICY)
    assert dict(step.edits) == {episode.id: Urgency.NOW for episode in watch.episodes}


def test_a_low_account_has_new_figures_however_long_its_list_alone_fails() -> None:
    watch = known(*(listed(minute, {}, sms=999, unlisted=SLOW_LIST) for minute in range(3)))
    assert len(watch.episodes) == 2
    assert not figures_are_old(watch, POLICY)


def test_a_low_account_says_at_once_that_its_figures_are_new_though_the_list_fails() -> None:
    low, down = listed(0, {}, sms=999), (DOWN, DOWN, DOWN)
    read = lived(low, *down, listed(4, {}, sms=999, unlisted=SLOW_LIST))[-1]
    assert read.watch.low
    assert read.edits[read.watch.low.id] is Urgency.NOW
    assert not figures_are_old(read.watch, POLICY)


def test_an_account_that_is_read_again_without_its_list_is_told_so_and_the_list_counts_anew() -> None:
    steps = lived(WRONG_KEY, *(listed(minute, {}, unlisted=SLOW_LIST) for minute in (1, 2, 3)))
    ended, counting, silent = steps[1:]
    assert told(ended) == [(Kind.ENDED, Level.WARNING)]
    assert (ended.watch.unreadable, ended.watch.failures, told(counting)) == (None, 1, [])
    assert told(silent) == [(Kind.OPENED, Level.WARNING)]


def test_a_late_answer_from_before_a_reading_without_its_list_changes_nothing() -> None:
    watch = known(DOWN, listed(1, {}, unlisted=SLOW_LIST), listed(2, {}, unlisted=SLOW_LIST))
    for outcome in (listed(1.5, {"7": "0"}), DOWN):
        assert judged(watch, outcome, 1.5, PARENT).reasons == (Reason.OLDER_THAN_STORED,)


# What came in


@pytest.mark.parametrize(
    ("before", "after", "topped_up"),
    [
        pytest.param(("342", {"7": "3"}), ("322", {"7": "23"}), "20", id="handed on to the one in trouble"),
        pytest.param(("342", {"7": "3", "8": "50"}), ("342", {"7": "4", "8": "90"}), "1", id="not another's"),
        pytest.param(("342", {"7": "3"}), ("842", {"7": "3"}), "0", id="the account is not in trouble"),
        pytest.param(("-1", {"7": "3"}), ("99", {"7": "30"}), "100", id="the account's own, not both"),
    ],
)
def test_what_was_topped_up_is_counted_once_and_where_the_trouble_is(
    before: tuple[str, Balances], after: tuple[str, Balances], topped_up: str
) -> None:
    step = lived(
        *(listed(minute, found, balance=own) for minute, (own, found) in enumerate((before, after)))
    )[-1]
    (episode,) = step.touched or (step.watch.low,)
    assert episode
    assert episode.topped_up == Decimal(topped_up)


# Changed configuration


def test_a_changed_threshold_of_subaccounts_is_judged_afresh_and_says_so() -> None:
    watch = known(listed(0, {"7": "19", "8": "18"}))
    lower = replace(PARENT, subaccounts=SubAccounts((rule(Level.WARNING, 10, Field.BALANCE),)))
    step = judged(watch, listed(1, {"7": "19", "8": "18"}), 1, lower)
    assert told(step) == [(Kind.ENDED, Level.WARNING)]
    assert step.touched[0].thresholds_changed == (ThresholdChange(Decimal(20), Decimal(10), "EUR", "EUR"),)


def test_subaccounts_that_are_no_longer_watched_leave_the_episode() -> None:
    watch = known(listed(0, {"7": "0", "8": "19"}, sms=4999))
    step = reconcile(watch, replace(PARENT, subaccounts=None), at(5), POLICY)
    assert step.watch.low
    assert step.watch.low.firing == (Firing(Field.CREDIT_SMS, Level.WARNING, Decimal(5000)),)
    assert (step.watch.low.level, step.notices) == (Level.WARNING, ())
    alone = reconcile(known(listed(0, {"7": "0"})), replace(PARENT, subaccounts=None), at(5), POLICY)
    assert (alone.watch.low, alone.reasons) == (None, (Reason.NOT_CONFIGURED,))
