from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest

from bot.core.alert import remind
from bot.core.model import Level
from bot.core.mute import Decision, decide
from bot.core.notice import EDIT_DELAY, LONGEST_WAIT, Due, Edit, Kind, Notice, Telling, Undelivered
from bot.core.watch import Trouble
from bot.store import Database, SqlOutbox, SqlWatches
from tests.samples import (
    DOWN,
    NOW,
    POLICY,
    WATCHED,
    WRONG_KEY,
    Outcome,
    at,
    judged,
    known,
)
from tests.store.stores import outbox_of

CHANNEL = WATCHED.channel


async def polled(watches: SqlWatches, *outcomes: Outcome, first: float = 0) -> None:
    for minute, outcome in enumerate(outcomes):
        await watches.change(WATCHED.name, partial(judged, outcome=outcome, minute=first + minute))


async def claimed(outbox: SqlOutbox, now: datetime) -> list[Due]:
    """Claim all that is due, as the delivery does."""
    found = [await outbox.claim(owed, now) for owed in await outbox.due(now)]
    return [due for due in found if due]


async def only(outbox: SqlOutbox, now: datetime) -> Due:
    (due,) = await claimed(outbox, now)
    return due


async def told(outbox: SqlOutbox, now: datetime, message: str) -> Due:
    due = await only(outbox, now)
    await outbox.sent(due, message, now)
    return due


async def only_edit(outbox: SqlOutbox, now: datetime) -> Edit:
    (episode,) = await outbox.edits(now)
    edit = await outbox.claim_edit(episode.episode, now)
    assert edit is not None
    return edit


# Notices


async def test_nothing_is_due_at_first_and_while_all_is_fine(watches: SqlWatches, outbox: SqlOutbox) -> None:
    assert await outbox.due(NOW) == ()
    await polled(watches, 9000, DOWN, 9000)
    assert await outbox.due(at(9)) == ()
    assert await outbox.edits(at(9)) == ()


async def test_an_episode_that_opens_is_due_with_all_that_its_post_shows(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    await polled(watches, 9000, 4999)
    due = await only(outbox, at(1))
    expected = known(9000, 4999)
    assert (due.kind, due.channel, due.since, due.root, due.attempts) == (Kind.OPENED, CHANNEL, at(1), "", 0)
    assert due.watch == expected
    assert due.episode == expected.low


async def test_what_is_sent_is_not_due_again_not_even_after_a_restart(
    watches: SqlWatches, outbox: SqlOutbox, url: str
) -> None:
    await polled(watches, 4999)
    await told(outbox, at(1), "1.1")
    assert await outbox.due(at(999)) == ()
    again = Database(url)
    assert await outbox_of(again).due(at(999)) == ()
    await again.close()


async def test_what_is_not_sent_is_still_due_after_a_restart(
    watches: SqlWatches, outbox: SqlOutbox, url: str
) -> None:
    await polled(watches, 4999, 999)
    before = await only(outbox, at(2))
    again = Database(url)
    assert await only(outbox_of(again), at(2)) == replace(before, repeat=True)
    await again.close()


async def test_a_worse_level_and_the_end_go_below_the_message_that_opened(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    await polled(watches, 4999)
    await told(outbox, at(0), "1.1")
    await polled(watches, 999, first=1)
    worse = await told(outbox, at(1), "1.2")
    await polled(watches, 9000, first=2)
    ended = await told(outbox, at(2), "1.3")
    assert [(due.kind, due.root) for due in (worse, ended)] == [(Kind.WORSE, "1.1"), (Kind.ENDED, "1.1")]
    assert worse.episode is not None
    assert worse.episode.level is Level.CRITICAL
    assert ended.episode is not None
    assert (ended.episode.ended_at, ended.episode.topped_up) == (at(2), Decimal(0))


@pytest.mark.parametrize(
    ("outcomes", "kind", "notices", "worst_after"),
    [
        ((4999, 999), Kind.OPENED, 2, 1),
        ((4999, 999, 0), Kind.OPENED, 3, 2),
        ((4999, 999, 4999), Kind.OPENED, 2, 1),
        ((4999, 9000), Kind.ENDED, 2, 0),
        ((4999, 999, 0, 9000), Kind.ENDED, 4, 2),
        ((WRONG_KEY, 9000), Kind.ENDED, 2, 0),
    ],
)
async def test_what_could_not_be_told_is_merged_into_one_post_of_the_present_state(
    watches: SqlWatches,
    outbox: SqlOutbox,
    outcomes: tuple[Outcome, ...],
    kind: Kind,
    notices: int,
    worst_after: int,
) -> None:
    await polled(watches, *outcomes)
    due = await told(outbox, at(9), "1.1")
    assert (due.kind, len(due.notices), due.since) == (kind, notices, at(worst_after))
    assert due.watch == known(*outcomes)
    assert await outbox.due(at(9)) == ()


async def test_missed_words_below_a_message_are_merged_as_well(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    await polled(watches, 4999)
    await told(outbox, at(0), "1.1")
    await polled(watches, 999, 0, 9000, first=1)
    due = await told(outbox, at(9), "1.2")
    assert (due.kind, due.root, len(due.notices)) == (Kind.ENDED, "1.1", 3)


async def test_each_episode_has_its_own_post(watches: SqlWatches, outbox: SqlOutbox) -> None:
    await polled(watches, 4999, WRONG_KEY)
    low, unreadable = await claimed(outbox, at(9))
    assert low.episode is not None
    assert unreadable.episode is not None
    assert (low.episode.trouble, unreadable.episode.trouble) == (Trouble.LOW, Trouble.UNREADABLE)
    await outbox.sent(low, "1.1", at(9))
    assert await only(outbox, at(9)) == replace(unreadable, repeat=True)


async def test_the_next_episode_is_posted_anew(watches: SqlWatches, outbox: SqlOutbox) -> None:
    await polled(watches, 4999, 9000)
    await told(outbox, at(1), "1.1")
    await polled(watches, 4999, first=2)
    due = await only(outbox, at(2))
    assert (due.kind, due.root, due.since) == (Kind.OPENED, "", at(2))


async def test_a_word_that_comes_while_another_is_sent_is_not_lost(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    await polled(watches, 4999)
    due = await only(outbox, at(0))
    await polled(watches, 999, first=1)
    await outbox.sent(due, "1.1", at(1))
    later = await only(outbox, at(1))
    assert (later.kind, later.root, len(later.notices)) == (Kind.WORSE, "1.1", 1)


async def test_what_slack_refused_waits_until_its_time_and_counts_the_tries(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    await polled(watches, 4999)
    await outbox.failed(await only(outbox, at(0)), "not_in_channel" * 50, at(10), unknown=False)
    assert await outbox.due(at(9.99)) == ()
    due = await only(outbox, at(10))
    assert due.attempts == 1
    await outbox.failed(due, "timeout", at(30), unknown=True)
    assert await outbox.due(at(29)) == ()
    assert (await only(outbox, at(30))).attempts == 2


async def test_a_clock_set_back_keeps_nothing_waiting(watches: SqlWatches, outbox: SqlOutbox) -> None:
    await polled(watches, 4999)
    await outbox.failed(await only(outbox, at(0)), "not_in_channel", at(10), unknown=False)
    assert await outbox.due(at(10) - LONGEST_WAIT) == ()
    due = await only(outbox, at(9) - LONGEST_WAIT)
    await outbox.sent(due, "1.1", at(0))
    await polled(watches, 999, first=1)
    assert await outbox.edits(at(1) - LONGEST_WAIT) == ()
    assert (await only_edit(outbox, at(0.9) - LONGEST_WAIT)).asked_at == at(1)


async def test_one_episode_that_waits_keeps_no_other_waiting(watches: SqlWatches, outbox: SqlOutbox) -> None:
    await polled(watches, 4999)
    await outbox.failed(await only(outbox, at(0)), "not_in_channel", at(60), unknown=False)
    await polled(watches, WRONG_KEY, first=1)
    await watches.greet(Notice(Kind.HELLO, CHANNEL, at(1)))
    assert [due.kind for due in await claimed(outbox, at(1))] == [Kind.HELLO, Kind.OPENED]


async def test_greetings_are_no_episode(watches: SqlWatches, outbox: SqlOutbox) -> None:
    for channel in ("C1", "C2"):
        await watches.greet(Notice(Kind.HELLO, channel, NOW))
    first, second = await claimed(outbox, NOW)
    assert (first.kind, first.channel, first.episode, first.root) == (Kind.HELLO, "C1", None, "")
    await outbox.sent(first, "1.1", NOW)
    assert await only(outbox, NOW) == replace(second, repeat=True)
    assert await outbox.edits(at(999)) == ()


async def test_it_is_known_how_far_the_channel_knows_of_an_episode(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    await polled(watches, 4999)
    (episode,) = (await watches.watch(WATCHED.name)).episodes
    known_ = [(await outbox.telling([episode.id]))[episode.id]]
    await told(outbox, at(1), "1.1")
    await polled(watches, 999, first=2)
    known_.append((await outbox.telling([episode.id]))[episode.id])
    await outbox.failed(await only(outbox, at(3)), "not_in_channel", at(9), unknown=False)
    known_.append((await outbox.telling([episode.id]))[episode.id])
    assert known_ == [
        Telling(waits_since=at(0)),
        Telling(at(1), waits_since=at(2)),
        Telling(at(1), at(2), "not_in_channel", at(9)),
    ]
    assert await outbox.telling([]) == {}


# Tries whose outcome is unknown


async def test_a_try_whose_outcome_is_unknown_is_repeated_and_says_so(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    await polled(watches, 4999)
    first = await only(outbox, at(0))
    await outbox.failed(first, "timeout", at(1), unknown=True)
    again = await only(outbox, at(1))
    await outbox.failed(again, "not_in_channel", at(2), unknown=False)
    # The refusal of the second try says nothing of what became of the first.
    assert [first.repeat, again.repeat, (await only(outbox, at(2))).repeat] == [False, True, True]


async def test_a_try_that_was_certainly_refused_is_no_repeat(watches: SqlWatches, outbox: SqlOutbox) -> None:
    await polled(watches, 4999)
    await outbox.failed(await only(outbox, at(0)), "ratelimited", at(1), unknown=False)
    assert not (await only(outbox, at(1))).repeat


async def test_who_finds_a_claim_of_a_process_that_died_says_that_it_may_be_a_repeat(
    watches: SqlWatches, outbox: SqlOutbox, url: str
) -> None:
    await polled(watches, 4999)
    await only(outbox, at(0))
    again = Database(url)
    assert (await only(outbox_of(again), at(0))).repeat
    await again.close()


async def test_a_reminder_of_an_episode_muted_since_is_dropped(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    await polled(watches, 4999)
    opened = await told(outbox, at(0), "1.1")
    assert opened.episode is not None
    tomorrow = at(24 * 60)
    assert await watches.to_recall(at(23 * 60)) == ()
    assert await watches.to_recall(tomorrow) == (WATCHED.name,)
    await watches.change(WATCHED.name, partial(remind, now=tomorrow, policy=POLICY))
    assert await watches.to_recall(tomorrow) == ()
    (owed,) = await outbox.due(tomorrow)
    ack = Decision("U1", tomorrow + timedelta(days=3))
    await watches.change(
        WATCHED.name,
        partial(decide, episode_id=opened.episode.id, decision=ack, now=tomorrow, policy=POLICY),
    )
    assert await outbox.claim(owed, tomorrow) is None
    assert await outbox.due(tomorrow) == ()


@pytest.mark.parametrize(
    ("outcomes", "worst", "since"),
    [
        ((4999, 999), 2, 1),
        ((4999, 0, 4999), 3, 1),
        ((4999, 9000), 1, 0),
        ((999, 9000), 2, 0),
        ((0, 1100), 3, 0),
    ],
)
async def test_merged_words_know_the_worst_that_was_missed(
    watches: SqlWatches, outbox: SqlOutbox, outcomes: tuple[Outcome, ...], worst: int, since: int
) -> None:
    await polled(watches, *outcomes)
    due = await only(outbox, at(9))
    assert (due.worst, due.since, due.told_before) == (Level(worst), at(since), False)
    await outbox.sent(due, "1.1", at(9))
    await polled(watches, WRONG_KEY, 0 if outcomes[-1] != 9000 else 4999, first=20)
    for later in await claimed(outbox, at(30)):
        same = due.episode and later.episode and later.episode.id == due.episode.id
        assert later.told_before is bool(same)


async def test_what_slack_has_refused_is_known_by_channel(watches: SqlWatches, outbox: SqlOutbox) -> None:
    await polled(watches, 4999)
    assert await outbox.undelivered() == ()
    due = await only(outbox, at(0))
    await outbox.failed(due, "not_in_channel", at(1), unknown=False)
    assert await outbox.undelivered() == (Undelivered(CHANNEL, at(0), "not_in_channel"),)
    await outbox.sent(due, "1.1", at(2))
    assert await outbox.undelivered() == ()


async def test_a_postponed_edit_waits_until_its_time(watches: SqlWatches, outbox: SqlOutbox) -> None:
    await polled(watches, 999)
    await told(outbox, at(0), "1.1")
    await polled(watches, 1100, first=1)
    await outbox.postponed(await only_edit(outbox, at(1)), at(5))
    assert await outbox.edits(at(4.99)) == ()
    assert (await only_edit(outbox, at(5))).asked_at == at(5)


# Edits


async def test_a_message_not_yet_posted_is_not_edited(watches: SqlWatches, outbox: SqlOutbox) -> None:
    await polled(watches, 4999, 4998, 999)
    assert await outbox.edits(at(999)) == ()


async def test_a_change_of_level_is_shown_at_once(watches: SqlWatches, outbox: SqlOutbox) -> None:
    await polled(watches, 999)
    await told(outbox, at(0), "1.1")
    await polled(watches, 1100, first=1)
    edit = await only_edit(outbox, at(1))
    assert (edit.root, edit.asked_at, edit.watch) == ("1.1", at(1), known(999, 1100))
    assert edit.episode == known(999, 1100).low
    await outbox.edited(edit, at(1))
    assert await outbox.edits(at(999)) == ()


async def test_figures_alone_are_shown_after_a_minute_and_as_they_are_then(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    await polled(watches, 4999)
    await told(outbox, at(0), "1.1")
    await polled(watches, 4998, first=1)
    await polled(watches, 4997, first=1.5)
    asked = at(1) + EDIT_DELAY
    assert await outbox.edits(at(1.99)) == ()
    edit = await only_edit(outbox, asked)  # one for both
    assert edit.asked_at == asked
    assert edit.watch.reading is not None
    assert edit.watch.reading.began_at == at(1.5)


async def test_what_is_urgent_does_not_wait_for_the_minute(watches: SqlWatches, outbox: SqlOutbox) -> None:
    await polled(watches, 4999)
    await told(outbox, at(0), "1.1")
    await polled(watches, 4998, first=1)
    await polled(watches, 999, first=1.5)
    assert (await only_edit(outbox, at(1.5))).asked_at == at(1.5)


async def test_a_change_during_the_edit_asks_for_another(watches: SqlWatches, outbox: SqlOutbox) -> None:
    await polled(watches, 4999)
    await told(outbox, at(0), "1.1")
    await polled(watches, 999, first=1)
    edit = await only_edit(outbox, at(1))
    await polled(watches, 0, first=2)
    await outbox.edited(edit, at(2))
    again = await only_edit(outbox, at(2))
    assert again.episode.level is Level.EMPTY
    await outbox.edited(again, at(2))
    assert await outbox.edits(at(999)) == ()


async def test_an_edit_shows_the_state_at_the_moment_of_sending(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    await polled(watches, 999)
    await told(outbox, at(0), "1.1")
    await polled(watches, 1100, first=1)
    (episode,) = await outbox.edits(at(1))
    await polled(watches, 0, first=2)
    edit = await outbox.claim_edit(episode.episode, at(2))
    assert edit is not None
    assert edit.episode.level is Level.EMPTY
    await outbox.edited(edit, at(2))
    assert await outbox.claim_edit(episode.episode, at(2)) is None


async def test_the_end_is_shown_in_the_living_message_as_well(watches: SqlWatches, outbox: SqlOutbox) -> None:
    await polled(watches, 4999)
    await told(outbox, at(0), "1.1")
    await polled(watches, 9000, first=1)
    edit = await only_edit(outbox, at(1))
    assert (edit.root, edit.episode.ended_at) == ("1.1", at(1))


async def test_an_end_that_is_told_late_is_not_edited(watches: SqlWatches, outbox: SqlOutbox) -> None:
    """Its post says that it could not be told earlier; an edit would take just that out of it."""
    await polled(watches, 4999, 9000)
    await told(outbox, at(9), "1.1")
    assert await outbox.edits(at(999)) == ()


async def test_a_message_that_is_gone_is_posted_anew_once_and_takes_its_place(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    await polled(watches, 4999)
    await told(outbox, at(0), "1.1")
    await polled(watches, 4998, first=1)
    edit = await only_edit(outbox, at(2))
    await outbox.edited(edit, at(2), gone=True)
    await outbox.edited(edit, at(2), gone=True)
    again = await told(outbox, at(2), "2.2")
    assert (again.kind, again.root, len(again.notices)) == (Kind.OPENED, "", 1)
    await polled(watches, 999, first=3)
    assert (await only(outbox, at(3))).root == "2.2"
    assert (await only_edit(outbox, at(3))).root == "2.2"


async def test_the_message_of_an_episode_that_has_ended_is_not_posted_anew(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    await polled(watches, 4999)
    await told(outbox, at(0), "1.1")
    await polled(watches, 9000, first=1)
    await told(outbox, at(1), "1.2")
    await outbox.edited(await only_edit(outbox, at(1)), at(1), gone=True)
    assert await outbox.due(at(9)) == ()
    assert await outbox.edits(at(9)) == ()


async def test_an_unreadable_account_is_shown_in_its_low_message(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    await polled(watches, 4999)
    await told(outbox, at(0), "1.1")
    await polled(watches, DOWN, DOWN, first=1)
    assert await outbox.edits(at(2)) == ()
    await polled(watches, DOWN, first=3)
    edit = await only_edit(outbox, at(3))
    assert edit.episode.trouble is Trouble.LOW
    assert edit.watch.unreadable is not None


async def test_a_message_that_cannot_be_edited_after_it_was_replaced_is_left_as_it_is(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    await polled(watches, 4999)
    await told(outbox, at(0), "1.1")
    for minute in (1, 2, 3):
        await polled(watches, 4998 - minute, first=minute)
        edit = await only_edit(outbox, at(minute + 1))
        await outbox.edited(edit, at(minute + 1), gone=True)
        for due in await claimed(outbox, at(minute + 1)):
            await outbox.sent(due, f"2.{minute}", at(minute + 1))
    await polled(watches, 999, first=4)
    assert (await only(outbox, at(5))).root == "2.1", (
        "replaced once, and what must be told goes to its thread"
    )


async def test_an_edit_that_came_late_over_a_newer_one_is_mended(
    watches: SqlWatches, outbox: SqlOutbox
) -> None:
    """A process that was frozen between its claim and the sending shows what is no longer true."""
    await polled(watches, 4999)
    await told(outbox, at(0), "1.1")
    await polled(watches, 999, first=1)
    frozen = await only_edit(outbox, at(1))
    await polled(watches, 9000, first=2)
    await told(outbox, at(2), "1.2")
    await outbox.edited(await only_edit(outbox, at(2)), at(2))
    assert await outbox.edits(at(3)) == ()
    await outbox.edited(frozen, at(3))
    assert (await only_edit(outbox, at(3))).episode.ended_at == at(2)
