from datetime import datetime, timedelta

import pytest

from bot.core.form import Embellishment, Refusals, suspects
from bot.core.reading import CONNECTION, Cause
from tests.samples import NOW

MENTION, BLOCKS = Embellishment.MENTION, Embellishment.BLOCKS
THREAD, METADATA = Embellishment.THREAD, Embellishment.METADATA
ALL = frozenset(Embellishment)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        ("restricted_action", [MENTION, THREAD]),
        ("invalid_blocks", [BLOCKS]),
        ("invalid_blocks_format", [BLOCKS]),
        ("msg_blocks_too_long", [BLOCKS]),
        ("block_mismatch", [BLOCKS]),
        ("msg_too_long", [BLOCKS]),
        ("too_many_attachments", [BLOCKS]),
        ("attachment_payload_limit_exceeded", [BLOCKS]),
        ("cannot_reply_to_message", [THREAD]),
        ("thread_not_found", [THREAD]),
        ("thread_locked", [THREAD]),
        ("invalid_thread_ts", [THREAD]),
        ("restricted_action_non_threadable_channel", [THREAD]),
        ("restricted_action_thread_locked", [THREAD]),
        ("metadata_too_large", [METADATA]),
        ("invalid_metadata_format", [METADATA]),
        ("invalid_metadata_schema", [METADATA]),
        ("metadata_must_be_sent_from_app", [METADATA]),
        # What Slack may say that is documented nowhere yet: the least is left out first.
        ("invalid_arguments", [METADATA, BLOCKS, THREAD, MENTION]),
        ("something_new", [METADATA, BLOCKS, THREAD, MENTION]),
        # What no barer form heals.
        *((error, []) for error in ("not_in_channel", "channel_not_found", "is_archived", "missing_scope")),
        *((error, []) for error in ("invalid_auth", "token_revoked", "account_inactive", "no_permission")),
        *((error, []) for error in ("restricted_action_read_only_channel", "ekm_access_denied")),
        *((error, []) for error in ("restricted_action_thread_only_channel", "ratelimited", "no_text")),
    ],
)
def test_an_error_tells_which_embellishment_may_be_meant(error: str, meant: list[Embellishment]) -> None:
    assert list(suspects(error)) == meant


def test_what_a_channel_refused_is_left_out_there_for_a_day_and_nothing_else() -> None:
    refusals, blamed = Refusals().refused("C1", "invalid_blocks", ALL, NOW)
    assert blamed == {BLOCKS}
    for seconds, left_out in ((0, {BLOCKS}), (86399, {BLOCKS}), (86400, set()), (-1, set())):
        assert refusals.left_out("C1", at(seconds)) == left_out
    assert refusals.left_out("C2", NOW) == frozenset()
    assert refusals.errors("C1", NOW) == {BLOCKS: "invalid_blocks"}


def test_what_a_message_did_not_wear_is_not_blamed_and_the_message_itself_is_refused() -> None:
    assert not Refusals().refused("C1", "restricted_action", frozenset({METADATA, BLOCKS}), NOW)[1]


NOTHING = Refusals()


def tried(
    culprits: set[Embellishment],
    error: str,
    refusals: Refusals = NOTHING,
    since: float = 0,
) -> tuple[Refusals, list[set[Embellishment]]]:
    """Send a message, each second in another form, until it is taken; return what the tries went without."""
    forms: list[set[Embellishment]] = []
    while True:
        now = at(since + len(forms))
        bare = refusals.left_out("C1", now)
        forms.append(set(bare))
        if not culprits - bare:
            return refusals.taken("C1"), forms
        refusals, without = refusals.refused("C1", error, ALL - bare, now)
        if not without:
            return refusals, forms


@pytest.mark.parametrize(
    ("culprits", "error", "forms"),
    [
        ({METADATA}, "something_new", [set(), {METADATA}]),
        ({BLOCKS}, "something_new", [set(), {METADATA}, {BLOCKS}]),
        ({MENTION}, "something_new", [set(), {METADATA}, {BLOCKS}, {THREAD}, {MENTION}]),
        ({THREAD}, "restricted_action", [set(), {MENTION}, {THREAD}]),
        ({MENTION, THREAD}, "restricted_action", [set(), {MENTION}, {THREAD}, {MENTION, THREAD}]),
        ({BLOCKS, THREAD}, "something_new", [set(), {METADATA}, {BLOCKS}, {THREAD}, {MENTION}, set(ALL)]),
    ],
)
def test_what_is_not_to_blame_is_not_lost_and_what_is_to_blame_is_tried_no_more(
    culprits: set[Embellishment], error: str, forms: list[set[Embellishment]]
) -> None:
    refusals, made = tried(culprits, error)
    assert made == forms
    assert refusals.left_out("C1", at(80_000)) == forms[-1]
    assert tried(culprits, error, refusals, since=80_000)[1] == [forms[-1]]
    # A day later it is tried again, in the same way.
    assert tried(culprits, error, refusals, since=90_000)[1] == forms


def test_where_the_bare_message_is_refused_too_nothing_was_to_blame() -> None:
    refusals, forms = tried(set(ALL) | {"the message"}, "something_new")  # type: ignore[arg-type]
    assert forms == [set(), {METADATA}, {BLOCKS}, {THREAD}, {MENTION}, set(ALL)]
    assert refusals.left_out("C1", at(9)) == frozenset()


def test_two_embellishments_refused_with_errors_of_their_own_are_both_left_out() -> None:
    refusals, _ = Refusals().refused("C1", "restricted_action", ALL, NOW)
    refusals, _ = refusals.refused("C1", "invalid_blocks", ALL - {MENTION}, at(1))
    assert refusals.taken("C2").left_out("C1", at(2)) == {MENTION, BLOCKS}
    assert refusals.taken("C1").errors("C1", at(2)) == {
        MENTION: "restricted_action",
        BLOCKS: "invalid_blocks",
    }


@pytest.mark.parametrize("cause", sorted(CONNECTION | {Cause.TIMEOUT}))
def test_what_never_reached_slack_is_no_refusal_of_anything(cause: Cause) -> None:
    refusals, blamed = Refusals().refused("C1", cause.value, ALL, NOW)
    assert blamed == frozenset()
    assert refusals.left_out("C1", NOW) == frozenset()


def test_what_was_to_blame_before_stays_left_out_while_another_is_found() -> None:
    refusals, _ = tried({MENTION}, "restricted_action")
    refusals, forms = tried({MENTION, THREAD}, "restricted_action", refusals, since=3600)
    assert forms == [{MENTION}, {MENTION, THREAD}]
