from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.core.group import share
from bot.core.model import Account, Policy
from bot.core.notice import Kind, Reason, Step, Urgency
from bot.core.reading import HEALING, Cause, Failure, Reading
from bot.core.reconcile import reconcile
from bot.core.watch import Ending, Episode, Mute, Watch
from tests.samples import DOWN, NO_CREDIT, POLICY, WATCHED, WRONG_KEY, Outcome, at, credit, judged

GROUP = Account("api.smspartner.fr@C0123456789", WATCHED.channel)
SLOW = Failure(Cause.TIMEOUT)
LOST = Failure(Cause.NOT_FOUND, status=404)


class Shared:
    """Accounts of one host and channel, polled once a minute."""

    def __init__(self, *names: str) -> None:
        self.accounts = {name: replace(WATCHED, name=name, group=GROUP.name) for name in names}
        self.watches: dict[str, Watch] = dict.fromkeys(names, Watch())
        self.watch = Watch()
        self.minute = 0

    def poll(self, outcomes: Mapping[str, Outcome]) -> tuple[list[Step], Step]:
        """Return what became of each account, then of the group."""
        self.minute += 1
        steps = []
        for name, outcome in outcomes.items():
            steps.append(judged(self.watches[name], outcome, self.minute, self.accounts[name]))
            self.watches[name] = steps[-1].watch
        step = share(self.watch, GROUP, self.watches, at(self.minute), POLICY)
        self.watch = step.watch
        return steps, step

    def polls(self, times: int, outcomes: Mapping[str, Outcome]) -> Step:
        return [self.poll(outcomes)[1] for _ in range(times)][-1]

    @property
    def episode(self) -> Episode:
        assert self.watch.unreadable
        return self.watch.unreadable


def members(episode: Episode) -> dict[str, bool]:
    """Return who is in the episode, and whether it fails still."""
    return {member.account: member.until is None for member in episode.members}


def kinds(step: Step) -> list[Kind]:
    return [owed.kind for owed in step.notices]


@pytest.mark.parametrize("cause", sorted(HEALING))
def test_a_fault_that_heals_by_itself_is_told_once_for_all_accounts_of_a_host(cause: Cause) -> None:
    shared = Shared("a", "b", "c")
    down = dict.fromkeys("abc", Failure(cause))
    for _ in range(2):
        steps, step = shared.poll(down)
        assert [kinds(one) for one in (*steps, step)] == [[], [], [], []]
    steps, step = shared.poll(down)
    assert [kinds(one) for one in steps] == [[], [], []]
    assert [one.reasons for one in steps] == [(Reason.SHARED_WITH_GROUP,)] * 3
    assert (kinds(step), members(shared.episode)) == ([Kind.OPENED], {"a": True, "b": True, "c": True})
    assert (shared.episode.opened_at, shared.episode.channel) == (at(1), WATCHED.channel)
    assert shared.polls(50, down).notices == ()


def test_a_list_of_subaccounts_that_fails_is_not_what_an_account_that_cannot_be_read_is_told_with() -> None:
    shared = Shared("a", "b")
    unlisted = replace(SLOW, listing=True)
    credits_ = replace(credit(), unlisted=unlisted)
    for _ in range(3):
        shared.poll({"a": Reading(at(shared.minute + 1), credits_), "b": DOWN})
    assert (shared.episode.failure, members(shared.episode)) == (DOWN, {"a": True, "b": True})
    shared.poll({"a": Reading(at(shared.minute + 1), credits_), "b": 9000})
    assert shared.episode.failure == unlisted


def unlisted(minute: int) -> Reading:
    return Reading(at(minute), replace(credit(), unlisted=replace(SLOW, listing=True)))


def test_lists_of_subaccounts_that_fail_hush_no_account_that_cannot_be_read_afterwards() -> None:
    shared = Shared("a", "b")
    for minute in (1, 2, 3):
        shared.poll({"a": unlisted(minute), "b": 9000})
    shared.watch = replace(
        shared.watch, unreadable=replace(shared.episode, mute=Mute("U0A", at(3), at(3 + 3 * 24 * 60)))
    )
    steps = [shared.poll(dict.fromkeys("ab", DOWN))[1] for _ in range(4)]
    assert [kinds(step) for step in steps] == [[], [], [Kind.WORSE], []]
    assert dict(steps[2].edits) == {shared.episode.id: Urgency.NOW}
    assert (shared.episode.failure, shared.episode.mute) == (DOWN, None)
    assert members(shared.episode) == {"a": True, "b": True}
    _, step = shared.poll({"a": unlisted(8), "b": DOWN})
    assert (kinds(step), members(shared.episode)) == ([], {"b": True, "a": False})


def test_an_outage_of_accounts_whose_lists_were_told_of_is_one_word_and_leaves_those_as_they_were() -> None:
    shared = Shared("a", "b", "c")
    refused = replace(WRONG_KEY, listing=True)

    def lists(minute: int) -> Reading:
        return Reading(at(minute), replace(credit(), unlisted=refused))

    shared.poll({"a": lists(1), "b": lists(1), "c": 9000})
    told_of = [shared.watches[name].unreadable for name in "ab"]
    assert all(told_of)
    steps, words = [], []
    for _ in range(3):
        own, step = shared.poll(dict.fromkeys("abc", DOWN))
        steps += own
        words += kinds(step)
    assert (words, members(shared.episode)) == ([Kind.OPENED], dict.fromkeys("abc", True))
    own, step = shared.poll({"a": lists(5), "b": lists(5), "c": 9000})
    assert (kinds(step), members(step.touched[0])) == ([Kind.ENDED], dict.fromkeys("abc", False))
    assert [kinds(one) for one in (*steps, *own)] == [[]] * 12
    assert [shared.watches[name].unreadable for name in "ab"] == told_of


def test_who_recovers_without_its_list_was_read_again() -> None:
    shared = Shared("a", "b")
    shared.polls(3, dict.fromkeys("ab", DOWN))
    _, step = shared.poll({"a": unlisted(4), "b": 9000})
    (ended,) = step.touched
    assert (kinds(step), members(ended)) == ([Kind.ENDED], {"a": False, "b": False})


def test_a_raised_limit_of_failed_polls_ends_nothing_that_lasts() -> None:
    shared = Shared("a", "b")
    shared.polls(3, dict.fromkeys("ab", DOWN))
    _, _ = shared.poll({"a": DOWN, "b": 9000})
    step = share(shared.watch, GROUP, shared.watches, at(5), replace(POLICY, unreadable_after=9))
    assert step.watch.unreadable
    assert (kinds(step), members(step.watch.unreadable)) == ([], {"a": True, "b": False})


def test_who_begins_to_fail_later_joins_by_an_edit() -> None:
    shared = Shared("a", "b")
    shared.polls(3, {"a": DOWN, "b": 9000})
    assert members(shared.episode) == {"a": True}
    step = shared.polls(3, {"a": DOWN, "b": SLOW})
    assert (kinds(step), set(step.edits.values())) == ([], {Urgency.NOW})
    assert members(shared.episode) == {"a": True, "b": True}


def test_a_poll_that_finds_what_the_last_one_found_makes_no_edit() -> None:
    shared = Shared("a", "b")
    shared.polls(3, dict.fromkeys("ab", DOWN))
    assert dict(shared.polls(1, dict.fromkeys("ab", DOWN)).edits) == {}


def test_an_account_that_was_read_again_keeps_no_outage_from_being_told_while_lists_alone_fail_on() -> None:
    shared = Shared("a", "b", "c")
    for minute in (1, 2, 3):
        shared.poll({"a": DOWN, "b": unlisted(minute), "c": 9000})
    shared.poll({"a": 9000, "b": unlisted(4), "c": 9000})
    words = [kinds(shared.poll({"a": 9000, "b": unlisted(minute), "c": DOWN})[1]) for minute in (5, 6, 7)]
    assert words == [[], [], [Kind.WORSE]]


def test_those_that_fail_still_are_named_before_those_that_were_read_again() -> None:
    shared = Shared("a", "b")
    shared.polls(3, dict.fromkeys("ab", DOWN))
    shared.watches["a"] = judged(shared.watches["a"], 9000, 4).watch
    raised = replace(POLICY, unreadable_after=9)
    shared.watch = share(shared.watch, GROUP, shared.watches, at(4), raised).watch
    assert list(members(shared.episode).items()) == [("b", True), ("a", False)]


def test_who_counts_anew_and_was_never_read_leaves() -> None:
    shared = Shared("a", "b")
    shared.polls(3, dict.fromkeys("ab", DOWN))
    shared.watches["a"] = Watch()
    shared.watch = share(shared.watch, GROUP, shared.watches, at(4), POLICY).watch
    assert members(shared.episode) == {"b": True}


def test_it_ends_when_the_last_is_read_again_and_names_them_all() -> None:
    shared = Shared("a", "b")
    shared.polls(3, dict.fromkeys("ab", DOWN))
    _, step = shared.poll({"a": 9000, "b": DOWN})
    assert (kinds(step), members(shared.episode)) == ([], {"b": True, "a": False})
    _, step = shared.poll({"a": 9000, "b": 9000})
    (ended,) = step.touched
    assert (kinds(step), ended.ended_at) == ([Kind.ENDED], at(5))
    assert {member.account: member.until for member in ended.members} == {"a": at(4), "b": at(5)}
    assert shared.watch.unreadable is None


def test_nothing_failing_is_nothing_to_tell() -> None:
    shared = Shared("a", "b")
    _, step = shared.poll({"a": 9000, "b": DOWN})
    assert (step.reasons, step.touched) == ((Reason.FINE,), ())


@pytest.mark.parametrize("failure", [WRONG_KEY, NO_CREDIT, LOST])
def test_a_fault_of_the_account_itself_is_told_by_itself(failure: Failure) -> None:
    shared = Shared("a", "b")
    step = shared.polls(3, {"a": failure, "b": 9000})
    assert shared.watches["a"].unreadable
    assert (step.touched, shared.watch.unreadable) == ((), None)


def test_who_turns_out_to_have_a_fault_of_its_own_leaves_and_the_others_stay() -> None:
    shared = Shared("a", "b")
    shared.polls(3, dict.fromkeys("ab", DOWN))
    (own, _), step = shared.poll({"a": WRONG_KEY, "b": DOWN})
    assert (kinds(own), kinds(step)) == ([Kind.OPENED], [])
    assert members(shared.episode) == {"b": True}


def test_when_all_have_faults_of_their_own_the_shared_message_says_so_by_an_edit() -> None:
    shared = Shared("a", "b")
    shared.polls(3, dict.fromkeys("ab", DOWN))
    steps, step = shared.poll(dict.fromkeys("ab", WRONG_KEY))
    assert [kinds(one) for one in steps] == [[Kind.OPENED]] * 2
    (split,) = step.touched
    assert (step.reasons, kinds(step), split.ending) == ((Reason.SPLIT,), [], Ending.SPLIT)
    assert split.remind_at is None
    assert members(split) == {"a": True, "b": True}, "its last message says whom it was about"


def test_a_low_account_shows_at_once_that_it_cannot_be_read() -> None:
    shared = Shared("a", "b")
    shared.poll({"a": 999, "b": 9000})
    edits = []
    for _ in range(4):
        (low, _), _ = shared.poll(dict.fromkeys("ab", DOWN))
        edits.append(list(low.edits.values()))
    assert edits == [[], [], [Urgency.NOW], []]
    (again, _), _ = shared.poll({"a": 999, "b": DOWN})
    assert list(again.edits.values()) == [Urgency.NOW]


def test_it_is_recalled_as_a_warning_is() -> None:
    shared = Shared("a", "b")
    shared.polls(3, dict.fromkeys("ab", DOWN))
    assert shared.episode.remind_at == at(3) + Policy().reminder_warning


def test_who_has_an_alert_of_its_own_keeps_it_whatever_fails_next() -> None:
    shared = Shared("a", "b")
    shared.poll({"a": WRONG_KEY, "b": 9000})
    step = shared.polls(5, {"a": DOWN, "b": 9000})
    assert (step.touched, shared.watch.unreadable) == ((), None)
    shared.polls(3, dict.fromkeys("ab", DOWN))
    assert members(shared.episode) == {"b": True}


def test_who_has_an_alert_of_its_own_list_is_not_told_of_that_list_again() -> None:
    shared = Shared("a", "b")
    refused = replace(credit(), unlisted=replace(WRONG_KEY, listing=True))
    shared.poll({"a": Reading(at(1), refused), "b": 9000})
    steps = [shared.poll({"a": unlisted(minute), "b": 9000})[1] for minute in (2, 3, 4)]
    assert [step.touched for step in steps] == [(), (), ()]


def test_who_was_read_again_is_told_so_even_if_it_fails_anew_when_the_last_gets_an_alert_of_its_own() -> None:
    shared = Shared("a", "b")
    shared.polls(3, {"a": DOWN, "b": DOWN})
    shared.polls(1, {"a": 9000, "b": DOWN})
    shared.polls(1, {"a": DOWN, "b": DOWN})
    assert members(shared.episode) == {"b": True, "a": False}
    _, step = shared.poll({"a": DOWN, "b": WRONG_KEY})
    assert (kinds(step), [member.account for member in step.touched[0].members]) == ([Kind.ENDED], ["a"])


CHANNELS = {"the same channel": GROUP.channel, "a third channel": "C0THIRD"}
ELSEWHERE = replace(GROUP, name="api.smspartner.fr@C0ELSEWHERE", channel="C0ELSEWHERE")


@pytest.mark.parametrize(
    ("groups", "ending", "goes_on_in"),
    [
        ({"a": ELSEWHERE.name, "b": ELSEWHERE.name}, Ending.MOVED, "C0ELSEWHERE"),
        ({"a": ELSEWHERE.name}, Ending.MOVED, "C0ELSEWHERE"),
        ({"a": "", "b": ""}, Ending.MOVED, "C0ELSEWHERE"),
        ({"a": ELSEWHERE.name, "b": "other@C0ELSEWHERE"}, Ending.MOVED, "C0ELSEWHERE"),
        ({"a": "", "b": "a third channel"}, Ending.SPLIT, ""),
        ({"a": "the same channel"}, Ending.SPLIT, ""),
        ({"healed": ELSEWHERE.name}, Ending.NOT_CONFIGURED, ""),
        ({}, Ending.NOT_CONFIGURED, ""),
    ],
)
def test_a_group_that_is_gone_from_the_settings_says_where_its_accounts_are_told_of_now(
    groups: Mapping[str, str], ending: Ending, goes_on_in: str
) -> None:
    shared = Shared("a", "b", "healed")
    shared.polls(3, dict.fromkeys(("a", "b", "healed"), DOWN))
    shared.poll({"a": DOWN, "b": DOWN, "healed": 9000})
    accounts = {
        name: replace(WATCHED, group=group, channel=CHANNELS.get(group, ELSEWHERE.channel))
        for name, group in groups.items()
    }
    (closed,) = reconcile(shared.watch, None, at(9), POLICY, accounts).touched
    assert (closed.ending, closed.moved_to, closed.ended_at) == (ending, goes_on_in, at(9))


def test_the_same_outage_shared_anew_has_an_episode_of_its_own() -> None:
    shared = Shared("a", "b")
    shared.polls(3, dict.fromkeys("ab", DOWN))
    before = shared.episode
    shared.watch = reconcile(shared.watch, None, at(4), POLICY).watch
    shared.polls(1, dict.fromkeys("ab", DOWN))
    assert shared.episode.opened_at == before.opened_at
    assert shared.episode.id != before.id
