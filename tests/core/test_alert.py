from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.model import Account, Field, Level, Policy, Product, Rule
from bot.core.notice import Kind, Notice, Reason, Step, Urgency
from bot.core.reading import Cause, Credits, Failure, Reading
from bot.core.watch import ThresholdChange, Trouble, Watch
from tests.samples import (
    CRITICAL,
    DOWN,
    NO_CREDIT,
    POLICY,
    WARNING,
    WATCHED,
    WRONG_KEY,
    Outcome,
    account,
    at,
    credit,
    judged,
    known,
    lived,
    reading,
    rule,
)

MONEY = rule(Level.WARNING, "50.10", Field.BALANCE)
ECO = rule(Level.WARNING, 100, Field.CREDIT_SMS_ECO)


def low(watch: Watch) -> Level:
    return watch.low.level if watch.low else Level.OK


def story(steps: list[Step]) -> list[str]:
    """Retell each step in a few words: why, then the level, then what the channel is owed."""
    return [
        " ".join(
            [*step.reasons, low(step.watch).name.lower(), *(f"tell:{owed.kind}" for owed in step.notices)]
        )
        for step in steps
    ]


# Levels


@pytest.mark.parametrize(
    ("rules", "sms", "balance", "level"),
    [
        ((WARNING, CRITICAL), "5001", "342", Level.OK),
        ((WARNING, CRITICAL), "5000", "342", Level.OK),  # strictly below, not at
        ((WARNING, CRITICAL), "4999", "342", Level.WARNING),
        ((WARNING, CRITICAL), "1000", "342", Level.WARNING),
        ((WARNING, CRITICAL), "999", "342", Level.CRITICAL),
        ((WARNING, CRITICAL), "1", "0.001", Level.CRITICAL),
        ((WARNING, CRITICAL), "0", "342", Level.EMPTY),
        ((WARNING, CRITICAL), "9000", "0", Level.EMPTY),
        ((WARNING, CRITICAL), "9000", "0.000", Level.EMPTY),
        ((WARNING, CRITICAL), "9000", "-0.001", Level.EMPTY),
        ((WARNING, CRITICAL), "-1", "342", Level.EMPTY),
        ((CRITICAL, WARNING), "999", "342", Level.CRITICAL),  # in whatever order they are configured
        ((CRITICAL,), "1000", "342", Level.OK),  # either may stand alone
        ((CRITICAL,), "999", "342", Level.CRITICAL),
        ((WARNING,), "1", "342", Level.WARNING),
        ((), "1", "0.001", Level.OK),
        ((), "0", "342", Level.EMPTY),  # empty needs no rule
        ((), "9000", "-5", Level.EMPTY),
        ((MONEY,), "1", "50.10", Level.OK),
        ((MONEY,), "9000", "50.0999", Level.WARNING),
        ((WARNING, CRITICAL, MONEY), "999", "50", Level.CRITICAL),  # the worst rule is the account's level
        ((MONEY, WARNING, CRITICAL), "4999", "50", Level.WARNING),
    ],
)
def test_low_at_the_very_first_reading_is_told_and_fine_is_not(
    rules: tuple[Rule, ...], sms: str, balance: str, level: Level
) -> None:
    (step,) = lived(reading(sms, balance), watched=account(*rules))
    assert low(step.watch) == level
    assert [(owed.kind, owed.level) for owed in step.notices] == ([(Kind.OPENED, level)] if level else [])
    assert step.reasons == ((Reason.OPENED,) if level else (Reason.FINE,))


def test_missing_sms_are_not_zero_sms() -> None:
    found = Reading(at(0), replace(credit(), amounts={Field.BALANCE: Decimal(1)}))
    assert low(lived(found, watched=account())[0].watch) is Level.OK


def test_other_counts_at_zero_are_not_empty() -> None:
    amounts = {Field.CREDIT_SMS: Decimal(1), Field.BALANCE: Decimal(1), Field.CREDIT_HLR: Decimal(0)}
    assert (
        low(lived(Reading(at(0), replace(credit(), amounts=amounts)), watched=account())[0].watch) is Level.OK
    )


# The life of a low episode


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        pytest.param(
            (9000, 5000, 9000), ["fine ok", "fine ok", "fine ok"], id="nothing is told while it is fine"
        ),
        pytest.param(
            (4999, 4999, 4998),
            ["opened warning tell:opened", "still_low warning", "still_low warning"],
            id="low is told once",
        ),
        pytest.param(
            (4999, 5000, 5499, 5500, 5499),
            [
                "opened warning tell:opened",
                "still_low warning",
                "still_low warning",
                "ended ok tell:ended",
                "fine ok",
            ],
            id="a rule ends at threshold x (1 + margin), not before",
        ),
        pytest.param(
            (999, 1000, 1099, 1100, 5499, 5500),
            [
                "opened critical tell:opened",
                "still_low critical",
                "still_low critical",
                "improved warning",
                "still_low warning",
                "ended ok tell:ended",
            ],
            id="warning and critical end separately, and an improvement is not told",
        ),
        pytest.param(
            (4999, 999, 0, 999, 4999, 9000),
            [
                "opened warning tell:opened",
                "worse critical tell:worse",
                "worse empty tell:worse",
                "improved critical",
                "improved warning",
                "ended ok tell:ended",
            ],
            id="each worse level is told, and the end",
        ),
        pytest.param(
            (999, 1100, 999),
            ["opened critical tell:opened", "improved warning", "worse critical tell:worse"],
            id="falling again after an improvement is told",
        ),
        pytest.param(
            (999, 9000),
            ["opened critical tell:opened", "ended ok tell:ended"],
            id="all rules of an episode may end at once",
        ),
        pytest.param(
            (4999, 5500, 5499, 5000, 4999),
            [
                "opened warning tell:opened",
                "ended ok tell:ended",
                "fine ok",
                "fine ok",
                "opened warning tell:opened",
            ],
            id="the band is for rules that have fired, no others",
        ),
        pytest.param(
            (1050, 999, 1050),
            ["opened warning tell:opened", "worse critical tell:worse", "still_low critical"],
            id="above a threshold that was never crossed is not in its band",
        ),
    ],
)
def test_the_story_of_an_account_as_its_sms_go_by(outcomes: tuple[int, ...], expected: list[str]) -> None:
    assert story(lived(*outcomes)) == expected


def test_one_episode_lasts_until_all_rules_have_ended_and_the_next_is_another() -> None:
    steps = lived(4999, 999, 1100, 5500, 4999)
    identities = [step.notices[0].episode for step in steps if step.notices]
    assert identities[:3] == [identities[0]] * 3
    assert identities[3] not in identities[:3]
    assert steps[0].watch.low is not None
    assert steps[0].watch.low.opened_at == at(0)
    (ended,) = steps[3].touched
    assert (ended.id, ended.ended_at, ended.level) == (identities[0], at(3), Level.WARNING)


def of_mails(mails: str | int, balance: str | int) -> Credits:
    return Credits({Field.CREDIT_MAIL: Decimal(mails), Field.BALANCE: Decimal(balance)}, "EUR")


def without_count(balance: str | int) -> Credits:
    return Credits({Field.BALANCE: Decimal(balance), Field.SPEAKING_MOBILE: Decimal(9)}, "EUR")


@pytest.mark.parametrize(
    ("empty", "then", "ended"),
    [
        pytest.param(credit(0, 0), credit(9, "0.342"), False, id="nine SMS are not enough"),
        pytest.param(credit(0, 0), credit(10, "0.38"), True, id="ten SMS are"),
        pytest.param(credit(10, 0), credit(10, "0.001"), True, id="it was the balance alone"),
        pytest.param(credit(0, 342), credit(9, 342), False, id="money alone is not enough: it is counted"),
        pytest.param(credit(0, 0), credit(400, 0), False, id="SMS without money"),
        pytest.param(credit(0, 0), credit(400, "-0.01"), False, id="SMS and a debt"),
        pytest.param(of_mails(0, 0), of_mails(9, 7), False, id="nine mails"),
        pytest.param(of_mails(0, 0), of_mails(10, "0.01"), True, id="ten mails"),
        pytest.param(without_count(0), without_count("0.999"), False, id="no count, some cents"),
        pytest.param(without_count("-3"), without_count(1), True, id="no count, one of the unit of money"),
        pytest.param(credit(0, 0), without_count("0.50"), False, id="the count is gone, some cents"),
        pytest.param(credit(0, 0), without_count("20"), True, id="the count is gone, there is money again"),
        pytest.param(credit(0, 20), without_count("20"), False, id="the count is gone, nothing came in"),
    ],
)
def test_empty_ends_only_when_there_is_enough_to_send_again(
    empty: Credits, then: Credits, ended: bool
) -> None:
    watched = account()
    steps = lived(Reading(at(0), empty), Reading(at(1), then), watched=watched)
    assert story(steps)[0] == "opened empty tell:opened"
    assert story(steps)[1] == ("ended ok tell:ended" if ended else "still_low empty")


FLAPPING = [
    pytest.param([(0, "0.00"), (1, "0.04")], id="a refund and an SMS"),
    pytest.param([(0, "0.00"), (0, "0.01"), (9, "0.35")], id="ever a little more"),
    pytest.param([(0, "0.00"), (1, "0.04"), (0, "-0.02")], id="a debt now and then"),
    pytest.param([(0, "0.00"), (0, "5.00")], id="money, and no SMS for it"),
]


@pytest.mark.parametrize("rules", [(), (WARNING, CRITICAL), (MONEY,)], ids=["no rule", "SMS", "money"])
@pytest.mark.parametrize("cents", FLAPPING)
def test_cents_that_come_and_go_in_a_used_up_account_are_one_post_in_fifteen_polls(
    cents: list[tuple[int, str]], rules: tuple[Rule, ...]
) -> None:
    polls = [cents[minute % len(cents)] for minute in range(15)]
    steps = lived(
        *(reading(sms, balance, minute=minute) for minute, (sms, balance) in enumerate(polls)),
        watched=account(*rules),
    )
    assert [low(step.watch) for step in steps] == [Level.EMPTY] * 15
    assert [owed.kind for step in steps for owed in step.notices] == [Kind.OPENED]
    assert all(urgency is Urgency.SOON for step in steps[1:] for urgency in step.edits.values())


def test_used_up_again_after_a_real_top_up_is_told_again() -> None:
    steps = lived(0, 5, 10, 0, watched=account())
    assert story(steps) == [
        "opened empty tell:opened",
        "still_low empty",
        "ended ok tell:ended",
        "opened empty tell:opened",
    ]


def test_empty_with_rules_falls_back_to_the_level_of_the_rules() -> None:
    assert story(lived(0, 4999, 5499, 5500)) == [
        "opened empty tell:opened",
        "improved warning",
        "still_low warning",
        "ended ok tell:ended",
    ]


def test_another_rule_at_the_same_level_is_an_edit_and_not_told() -> None:
    steps = lived(reading(4999, 342), reading(4998, 50, minute=1), watched=account(WARNING, MONEY))
    assert story(steps) == ["opened warning tell:opened", "same_level warning"]
    assert list(steps[1].edits.values()) == [Urgency.NOW]


@pytest.mark.parametrize(("balance", "ended"), [("55.10", False), ("55.109", False), ("55.11", True)])
def test_the_margin_of_money_is_exact_to_the_thousandth(balance: str, ended: bool) -> None:
    watched = account(MONEY)
    watch = known(reading(9000, "50.099"), watched=watched)
    assert (low(judged(watch, reading(9000, balance, minute=1), 1, watched).watch) is Level.OK) is ended


@pytest.mark.parametrize(
    ("margin", "held", "ends"),
    [("0", 4999, 5000), ("0.10", 5499, 5500), ("0.5", 7499, 7500), ("1", 9999, 10000)],
)
def test_the_margin_is_the_configured_one(margin: str, held: int, ends: int) -> None:
    policy = Policy(rearm_margin=Decimal(margin))
    assert [low(step.watch) for step in lived(4000, held, ends, policy=policy)] == [
        Level.WARNING,
        Level.WARNING,
        Level.OK,
    ]


@pytest.mark.parametrize(
    ("balances", "topped_up"),
    [
        (("30", "20", "10"), "0"),
        (("30", "20", "45.5", "45"), "25.5"),
        (("30", "40", "35", "45.001"), "20.001"),
        (("30", "342"), "312"),
    ],
)
def test_top_ups_are_summed_from_the_rises_of_the_balance(balances: tuple[str, ...], topped_up: str) -> None:
    watched = account(MONEY)
    steps = lived(*(reading(9000, balance, minute=n) for n, balance in enumerate(balances)), watched=watched)
    assert steps[-1].touched[0].topped_up == Decimal(topped_up)


def test_a_top_up_before_the_episode_is_not_counted() -> None:
    watched = account(WARNING)
    steps = lived(reading(9000, 10), reading(4000, 300, minute=1), watched=watched)
    assert steps[-1].touched[0].topped_up == 0


def test_a_top_up_seen_after_a_time_of_silence_is_counted() -> None:
    watched = account(MONEY)
    steps = lived(reading(9000, 30), DOWN, reading(9000, 40, minute=2), watched=watched)
    assert steps[-1].touched[0].topped_up == 10


# Edits of the living message


@pytest.mark.parametrize(
    ("outcomes", "urgency"),
    [
        pytest.param((4999,), None, id="what is just posted is not edited"),
        pytest.param((4999, 4999), None, id="nothing moved"),
        pytest.param((4999, 4998), Urgency.SOON, id="only figures moved"),
        pytest.param((4999, 5100), Urgency.SOON, id="figures moved into the band"),
        pytest.param((4999, 999), Urgency.NOW, id="worse"),
        pytest.param((999, 1100), Urgency.NOW, id="improved"),
        pytest.param((999, 1050, 4000), Urgency.NOW, id="improved from within the band"),
        pytest.param((4999, 9000), Urgency.NOW, id="ended"),
        pytest.param((4999, DOWN), None, id="one failure is not told"),
        pytest.param((4999, WRONG_KEY), Urgency.NOW, id="cannot be read any more"),
        pytest.param((4999, WRONG_KEY, 4999), Urgency.NOW, id="can be read again"),
        pytest.param((4999, WRONG_KEY, WRONG_KEY), None, id="still cannot be read"),
    ],
)
def test_the_living_message_of_a_low_episode_is_edited(
    outcomes: tuple[Outcome, ...], urgency: Urgency | None
) -> None:
    steps = lived(*outcomes)
    assert steps[0].watch.low is not None
    assert steps[-1].edits.get(steps[0].watch.low.id) == urgency


# Thresholds that change


def warns(below: str | int) -> Rule:
    return rule(Level.WARNING, below)


@pytest.mark.parametrize(
    ("before", "sms", "after", "reason", "changed"),
    [
        pytest.param([WARNING], 4000, [warns(1000)], Reason.ENDED, [(5000, 1000)], id="lowered"),
        pytest.param([WARNING], 1000, [warns(1000)], Reason.ENDED, [(5000, 1000)], id="lowered to the value"),
        pytest.param([WARNING], 1001, [warns(1001)], Reason.ENDED, [(5000, 1001)], id="no margin"),
        pytest.param([WARNING], 999, [warns(1000)], Reason.SAME_LEVEL, None, id="lowered, still low"),
        pytest.param([WARNING], 4000, [warns(6000)], Reason.SAME_LEVEL, None, id="raised"),
        pytest.param([WARNING], 9000, [warns(9001)], Reason.OPENED, None, id="raised, low now"),
        pytest.param([WARNING], 4000, [WARNING, CRITICAL], Reason.STILL_LOW, None, id="another, fine"),
        pytest.param([WARNING], 900, [WARNING, CRITICAL], Reason.WORSE, None, id="another, low"),
        pytest.param([WARNING, CRITICAL], 900, [WARNING], Reason.IMPROVED, None, id="one less"),
        pytest.param([WARNING], 4000, [warns("5000.0")], Reason.STILL_LOW, None, id="only written otherwise"),
        pytest.param([WARNING], 0, [warns(1000)], Reason.SAME_LEVEL, None, id="empty all the same"),
        pytest.param(
            [WARNING, CRITICAL],
            900,
            [WARNING, rule(Level.CRITICAL, 800)],
            Reason.IMPROVED,
            [(1000, 800)],
            id="critical lowered",
        ),
        pytest.param([WARNING], 900, [rule(Level.CRITICAL, 1000)], Reason.WORSE, [], id="another level"),
    ],
)
def test_a_changed_threshold_is_judged_afresh_without_margin(
    before: list[Rule], sms: int, after: list[Rule], reason: Reason, changed: list[tuple[int, int]] | None
) -> None:
    step = judged(known(sms, watched=account(*before)), sms, 1, account(*after))
    assert step.reasons == (reason,)
    if changed is not None:
        pairs = tuple(ThresholdChange(Decimal(old), Decimal(new)) for old, new in changed)
        assert step.touched[0].thresholds_changed == pairs


@pytest.mark.parametrize(("sms", "named"), [(5100, True), (5499, True), (5500, False), (9000, False)])
def test_an_end_that_the_old_threshold_would_have_seen_too_is_not_put_down_to_the_change(
    sms: int, named: bool
) -> None:
    step = judged(known(4000, watched=account(WARNING)), sms, 1, account(warns(5001)))
    assert step.reasons == (Reason.ENDED,)
    assert step.touched[0].thresholds_changed == (
        (ThresholdChange(Decimal(5000), Decimal(5001)),) if named else ()
    )


def test_a_threshold_raised_during_an_episode_is_judged_without_the_margin_of_the_old_one() -> None:
    step = judged(known(4000, watched=account(WARNING)), 5100, 1, account(warns(5100)))
    assert step.reasons == (Reason.ENDED,)


def test_once_judged_by_the_new_threshold_its_own_margin_holds() -> None:
    lowered = account(rule(Level.WARNING, 1000))
    watch = judged(known(4000, watched=account(WARNING)), 999, 1, lowered).watch
    in_band = judged(watch, 1099, 2, lowered)
    assert in_band.reasons == (Reason.STILL_LOW,)
    ended = judged(in_band.watch, 1100, 3, lowered)
    assert ended.reasons == (Reason.ENDED,)
    assert ended.touched[0].thresholds_changed == ()  # the end is the top-up's, not the change's


# Unreadable


@pytest.mark.parametrize("after", [1, 2, 3, 5])
def test_the_channel_is_told_after_so_many_failed_polls_in_a_row(after: int) -> None:
    steps = lived(9000, *[DOWN] * (after + 2), watched=WATCHED, policy=Policy(unreadable_after=after))
    kinds = [[owed.kind for owed in step.notices] for step in steps[1:]]
    assert kinds == [[]] * (after - 1) + [[Kind.OPENED]] + [[]] * 2
    assert [step.watch.failures for step in steps] == list(range(after + 3))


@pytest.mark.parametrize("cause", Cause)
def test_failures_that_waiting_does_not_heal_are_told_at_once_and_no_others(cause: Cause) -> None:
    at_once = {
        Cause.KEY_MISSING,
        Cause.KEY_WRONG,
        Cause.ACCOUNT_DISABLED,
        Cause.ACCOUNT_BLOCKED,
        Cause.API_REFUSED,
        Cause.ADDRESS_REFUSED,
        Cause.DENIED,
        Cause.NO_CREDIT,
        Cause.CURRENCY,
    }
    (step,) = lived(Failure(cause))
    assert [owed.kind for owed in step.notices] == ([Kind.OPENED] if cause in at_once else [])
    level = Level.CRITICAL if cause is Cause.NO_CREDIT else Level.WARNING
    assert [owed.level for owed in step.notices] == ([level] if cause in at_once else [])


def test_a_good_reading_begins_the_count_anew() -> None:
    steps = lived(DOWN, DOWN, 9000, DOWN, DOWN)
    assert [step.reasons for step in steps] == [
        (Reason.COUNTING_FAILURES,),
        (Reason.COUNTING_FAILURES,),
        (Reason.FINE,),
        (Reason.COUNTING_FAILURES,),
        (Reason.COUNTING_FAILURES,),
    ]
    assert steps[2].watch == Watch(reading=reading(9000, minute=2))


def test_an_account_counts_as_unreadable_from_its_first_failure_to_its_first_good_reading() -> None:
    steps = lived(9000, DOWN, DOWN, DOWN, 9000)
    (opened,) = steps[3].touched
    (ended,) = steps[4].touched
    assert (opened.trouble, opened.opened_at, opened.failure) == (Trouble.UNREADABLE, at(1), DOWN)
    assert (ended.id, ended.opened_at, ended.ended_at) == (opened.id, at(1), at(4))
    assert steps[4].reasons == (Reason.FINE, Reason.READABLE_AGAIN)
    assert [owed.kind for owed in steps[4].notices] == [Kind.ENDED]
    assert dict(steps[4].edits) == {ended.id: Urgency.NOW}
    assert steps[4].watch.unreadable is None


def test_a_failure_told_at_once_is_told_in_the_midst_of_counting() -> None:
    steps = lived(DOWN, WRONG_KEY)
    assert steps[1].reasons == (Reason.UNREADABLE,)
    assert steps[1].touched[0].opened_at == at(0)


def test_another_cause_is_an_edit_and_insufficient_credit_is_worse() -> None:
    steps = lived(WRONG_KEY, DOWN, NO_CREDIT, NO_CREDIT, DOWN)
    assert [(step.reasons[0], [owed.kind for owed in step.notices]) for step in steps] == [
        (Reason.UNREADABLE, [Kind.OPENED]),
        (Reason.STILL_UNREADABLE, []),
        (Reason.WORSE_FAILURE, [Kind.WORSE]),
        (Reason.STILL_UNREADABLE, []),
        (Reason.STILL_UNREADABLE, []),
    ]
    # Network and time-out may take turns at every poll: a cause is followed like a figure, a level at once.
    assert [list(step.edits.values()) for step in steps] == [
        [],
        [Urgency.SOON],
        [Urgency.NOW],
        [],
        [Urgency.SOON],
    ]
    assert [step.touched[0].failure for step in steps] == [WRONG_KEY, DOWN, NO_CREDIT, NO_CREDIT, DOWN]


def test_insufficient_credit_at_once_is_critical_but_never_low_or_empty() -> None:
    (step,) = lived(NO_CREDIT)
    assert step.watch.low is None
    assert step.watch.unreadable is not None
    assert step.watch.unreadable.level is Level.CRITICAL


@pytest.mark.parametrize("product", Product)
def test_an_episode_is_about_its_account_s_product(product: Product) -> None:
    watch = known(reading(9000, 50), WRONG_KEY, watched=replace(account(MONEY), product=product))
    assert [episode.product for episode in watch.episodes] == [product, product]


def test_an_unreadable_account_keeps_its_low_episode_beside_it() -> None:
    steps = lived(4999, WRONG_KEY, DOWN, 9000)
    assert [low(step.watch) for step in steps] == [Level.WARNING, Level.WARNING, Level.WARNING, Level.OK]
    assert [episode.trouble for episode in steps[1].watch.episodes] == [Trouble.LOW, Trouble.UNREADABLE]
    assert steps[2].watch.reading == reading(4999)
    assert steps[3].reasons == (Reason.ENDED, Reason.READABLE_AGAIN)
    assert [owed.kind for owed in steps[3].notices] == [Kind.ENDED, Kind.ENDED]


# Late readings


@pytest.mark.parametrize("minute", [-5, 1.999, 2])
@pytest.mark.parametrize("outcome", [0, 9000, DOWN, WRONG_KEY])
@pytest.mark.parametrize("history", [(9000, 9000, 4999), (9000, 4999, 9000)])
def test_what_began_before_the_stored_reading_changes_nothing(
    history: tuple[Outcome, ...], outcome: Outcome, minute: float
) -> None:
    watch = known(*history)
    step = judged(watch, outcome, minute, now=2)
    assert step.reasons == (Reason.OLDER_THAN_STORED,)
    assert step.watch is watch
    assert (step.reading, step.touched, step.notices, dict(step.edits)) == (None, (), (), {})


def test_a_good_reading_from_before_the_first_failure_does_not_end_the_silence() -> None:
    watch = known(9000, DOWN, DOWN, DOWN)
    assert judged(watch, reading(9000, minute=0.5), 0.5).reasons == (Reason.OLDER_THAN_STORED,)
    assert judged(watch, reading(9000, minute=1.5), 1.5).reasons == (Reason.FINE, Reason.READABLE_AGAIN)


# A clock that was set back


@pytest.mark.parametrize(
    ("what", "stored", "began", "now", "judges"),
    [
        ("a late writer, or a command's reading that took long", 2, 1, 2.5, False),
        ("a process frozen within a reading and thawed after another took over", 120, 1, 121, False),
        ("a suspended machine whose reading is the newest all the same", 1, 2, 600, True),
        ("another copy whose clock is a little behind", 4, 0, 0.5, False),
        ("the same by the limit", 5.5, 0, 0.5, False),
        ("a clock set back, or another copy's that is far behind", 5.6, 0, 0.5, True),
        ("a clock set back by hours", 180, 0, 0.5, True),
        ("a clock set back within a reading: the old time is from the future as well", 180, 179, 0, True),
    ],
)
def test_only_what_no_late_reading_explains_passes_for_a_clock_set_back(
    what: str, stored: float, began: float, now: float, *, judges: bool
) -> None:
    watch = judged(Watch(), 9000, stored).watch
    step = judged(watch, reading(999, minute=began), began, now=now)
    assert (step.reasons != (Reason.OLDER_THAN_STORED,)) is judges, what
    assert [owed.kind for owed in step.notices] == ([Kind.OPENED] if judges else [])
    assert (Reason.CLOCK_SET_BACK in step.reasons) is (judges and began < stored)


def test_after_the_clock_was_set_back_polls_are_judged_and_late_ones_dropped_as_ever() -> None:
    watch = judged(judged(Watch(), 4999, 180).watch, DOWN, 185).watch
    first = judged(watch, 4999, 0)
    assert first.reasons == (Reason.STILL_LOW, Reason.CLOCK_SET_BACK)
    assert first.watch.low
    assert first.watch.low.opened_at == first.watch.low.pinged_at == at(0)
    assert first.watch.low.remind_at == at(24 * 60)
    second = judged(first.watch, 999, 5)
    assert second.reasons == (Reason.WORSE,)
    assert judged(second.watch, 9000, 4.5).reasons == (Reason.OLDER_THAN_STORED,)
    assert judged(second.watch, 9000, 10).reasons == (Reason.ENDED,)


def test_after_the_clock_was_set_back_failures_are_counted_on() -> None:
    watch = judged(judged(Watch(), 9000, 180).watch, DOWN, 185).watch
    steps = [judged(watch, DOWN, 0)]
    steps.append(judged(steps[0].watch, DOWN, 5))
    assert [step.reasons for step in steps] == [
        (Reason.COUNTING_FAILURES, Reason.CLOCK_SET_BACK),
        (Reason.UNREADABLE,),
    ]


# Whatever happens

RULES = (
    WARNING,
    CRITICAL,
    rule(Level.WARNING, 20, Field.BALANCE),
    rule(Level.CRITICAL, "0.5", Field.BALANCE),
)
SMS = st.sampled_from([-1, 0, 1, 999, 1000, 1099, 1100, 1101, 4999, 5000, 5499, 5500, 5501, 9000])
BALANCES = st.sampled_from(["-3", "0", "0.001", "0.549", "0.55", "19.999", "20", "21.999", "22", "342"])
FAILURES = st.sampled_from([DOWN, WRONG_KEY, NO_CREDIT, Failure(Cause.DEGRADED)])
PASSED = st.sampled_from([1, 1, 1, 0, -2])
"""Minutes between the beginnings of two outcomes: some come late, and some twice."""

POLLS = st.lists(st.tuples(PASSED, st.builds(credit, SMS, BALANCES) | FAILURES), max_size=30)


@settings(deadline=None, max_examples=300)
@given(st.sets(st.sampled_from(RULES)), POLLS)
@example({WARNING}, [(1, credit(4999)), (1, credit(5499)), (-2, credit(9000)), (1, DOWN), (1, credit(5500))])
@example(set(), [(1, WRONG_KEY), (-2, DOWN), (1, credit()), (1, WRONG_KEY)])
def test_the_promises_hold_whatever_is_read(
    rules: set[Rule], polls: list[tuple[int, Credits | Failure]]
) -> None:
    watched = account(*(rule for rule in RULES if rule in rules))
    watch, minute, latest = Watch(), 0, 0
    notices: list[Notice] = []
    for passed, found in polls:
        minute += passed
        latest = max(minute, latest)
        outcome = found if isinstance(found, Failure) else Reading(at(minute), found)
        step = judged(watch, outcome, minute, watched, now=latest)
        if step.reasons == (Reason.OLDER_THAN_STORED,):
            assert_unchanged(watch, step)
        elif isinstance(found, Failure):
            assert step.watch.low == watch.low, "a failure opened, changed or ended a low episode"
        else:
            assert_sound(watch, step.watch, found, watched)
        assert_told(watch, step)
        assert all(
            episode.ended_at is None or episode.ended_at > episode.opened_at for episode in step.touched
        )
        notices += step.notices
        watch = step.watch
    still_open = {episode.id for episode in watch.episodes}
    for episode in still_open | {owed.episode for owed in notices}:
        kinds = [owed.kind for owed in notices if owed.episode == episode]
        ends = [] if episode in still_open else [Kind.ENDED]
        assert kinds == [Kind.OPENED, *[Kind.WORSE] * kinds.count(Kind.WORSE), *ends]


def assert_unchanged(before: Watch, step: Step) -> None:
    assert step.watch == before
    assert (step.reading, step.touched, step.notices, dict(step.edits)) == (None, (), (), {})


def assert_sound(before: Watch, after: Watch, found: Credits, watched: Account) -> None:
    fired = {(rule.field, rule.level) for rule in before.low.firing} if before.low else set()
    used_up = found.empty or (low(before) is Level.EMPTY and found.amounts[Field.CREDIT_SMS] < 10)
    below = used_up or any(found.amounts[rule.field] < rule.threshold for rule in watched.rules)
    in_band = any(
        found.amounts[rule.field] < rule.threshold * (1 + POLICY.rearm_margin)
        for rule in watched.rules
        if (rule.field, rule.level) in fired
    )
    assert (after.low is not None) == (below or in_band), "fine was taken for low, or low for fine"
    assert (low(after) is Level.EMPTY) == used_up
    assert (after.unreadable, after.failures, after.failing_since) == (None, 0, None)


def assert_told(before: Watch, step: Step) -> None:
    """Every change to a worse level and every end is owed in the very step, and nothing else is."""
    owed = []
    for trouble in Trouble:
        was = next((episode for episode in before.episodes if episode.trouble is trouble), None)
        now = next((episode for episode in step.watch.episodes if episode.trouble is trouble), None)
        if was is None and now is not None:
            owed.append((now.id, Kind.OPENED, now.level))
        elif was is not None and now is None:
            owed.append((was.id, Kind.ENDED, was.level))
        elif was is not None and now is not None and now.level > was.level:
            owed.append((now.id, Kind.WORSE, now.level))
    assert sorted((told.episode, told.kind, told.level) for told in step.notices) == sorted(owed)
