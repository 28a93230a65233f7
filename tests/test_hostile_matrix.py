"""The hostile matrix: every bad answer of the provider, from every state; `-s` prints it as a table.

Each answer comes once over real HTTP through the real client; the rules then judge it from each state.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import stamina

from bot.core.model import Account, Field, Level
from bot.core.notice import Kind, Step
from bot.core.reading import CONNECTION, Cause, Credits, Failure, Reading
from bot.core.watch import Trouble, Watch
from bot.demo.answers import GOOD, HOSTILE, MISSING, Answer, RawJson, refusal, with_values
from bot.demo.provider import SimulatedProvider
from bot.demo.world import DemoWorld, PrepaidAccount
from bot.partner import Partner
from bot.ports import Unreadable
from bot.text import Words
from bot.text.en import ENGLISH
from bot.text.figures import Figures
from tests.samples import DOWN, NOW, POLICY, account, at, judged, known, reading, rule

KEY = "0123456789abcdef0123456789abcdef01234567"
WORDS = Words(ENGLISH, Figures("en", ZoneInfo("Europe/Paris")), POLICY)
WATCHED = account(
    rule(Level.WARNING, 5000),
    rule(Level.CRITICAL, 1000),
    rule(Level.WARNING, 200, Field.BALANCE),
    rule(Level.CRITICAL, 50, Field.BALANCE),
)
MONEY_ONLY = account(rule(Level.WARNING, 200, Field.BALANCE), rule(Level.CRITICAL, 50, Field.BALANCE))
"""No rule asks for the count of SMS: what is wrong with it may hide nothing and end nothing."""

REFUSED_CONNECTION = "connection_refused"

# The states from which each answer is judged; the figures in them are what was read last.

STATES: Mapping[str, Watch] = {
    "no state": Watch(),
    "ok": known(9000, watched=WATCHED),
    "warning": known(4000, watched=WATCHED),
    "critical": known(900, watched=WATCHED),
    "empty": known(0, watched=WATCHED),
    "unreadable": known(9000, DOWN, DOWN, DOWN, watched=WATCHED),
    "critical and unreadable": known(900, DOWN, DOWN, DOWN, watched=WATCHED),
}
LEVELS = {
    "warning": Level.WARNING,
    "critical": Level.CRITICAL,
    "empty": Level.EMPTY,
    "critical and unreadable": Level.CRITICAL,
}

# What each answer is: an account with nothing left, one with plenty, or no reading at all, and why.

EMPTY, PLENTY = "empty", "plenty"
NAN = Cause.FIELD_NOT_A_NUMBER
VALUES: list[tuple[str, object, Cause | str]] = [
    ("0", 0, EMPTY),
    ('"0"', "0", EMPTY),
    ('"0.00"', "0.00", EMPTY),
    ("0.0", RawJson("0.0"), EMPTY),
    ("-3", -3, EMPTY),
    ('"-3"', "-3", EMPTY),
    ("null", None, Cause.FIELD_MISSING),
    ("missing", MISSING, Cause.FIELD_MISSING),
    ("true", True, NAN),
    ("false", False, NAN),
    ('""', "", NAN),
    ('"1,234"', "1,234", NAN),
    ('"1 234"', "1 234", NAN),
    ('"NaN"', "NaN", NAN),
    ("1e400", RawJson("1e400"), NAN),
    ('"1e400"', "1e400", NAN),
    ("10^400", RawJson("1" + "0" * 400), NAN),
    ('"10^400"', "1" + "0" * 400, NAN),
    ("-10^400", RawJson("-1" + "0" * 400), NAN),
    ("[0]", [0], NAN),
    ("{}", {}, NAN),
    ("NaN, bare", RawJson("NaN"), Cause.NOT_JSON),
]
ANSWERS: Mapping[str, Answer] = {
    **{f"creditSms {name}": with_values({"creditSms": value}) for name, value, _ in VALUES},
    **{f"balance {name}": with_values({"balance": value, "solde": value}) for name, value, _ in VALUES},
    **HOSTILE,
    "http_401_code_999": Answer(401, refusal(999, message="?").body),
    "http_403_code_999": Answer(403, refusal(999, message="?").body),
    "http_500_good_figures": Answer(500, GOOD.body),
    "http_204": Answer(204),
    "json_zero": Answer(body=0),
    "no_credits_but_success": Answer(body={"success": True, "code": 200, "credits": {}}),
    "zeros_with_success_false": Answer(body={"success": False, "credits": {"creditSms": 0, "balance": 0}}),
}
EXPECTED: Mapping[str, Cause | str] = {
    **{f"creditSms {name}": meaning for name, _, meaning in VALUES},
    **{f"balance {name}": meaning for name, _, meaning in VALUES},
    "html_200": Cause.NOT_JSON,
    "empty_body": Cause.NOT_JSON,
    "truncated_json": Cause.NOT_JSON,
    "json_list": Cause.NOT_JSON,
    "json_null": Cause.NOT_JSON,
    "json_zero": Cause.NOT_JSON,
    "degraded": Cause.DEGRADED,
    "no_credits_but_success": Cause.FIELD_MISSING,
    "zeros_with_success_false": Cause.REFUSED,
    "code_1": Cause.KEY_MISSING,
    "code_10": Cause.KEY_WRONG,
    "code_20": Cause.ACCOUNT_DISABLED,
    "code_30": Cause.ACCOUNT_BLOCKED,
    "code_40": Cause.API_REFUSED,
    "code_96": Cause.ADDRESS_REFUSED,
    "code_11": Cause.NO_CREDIT,
    "code_11_as_4xx": Cause.NO_CREDIT,
    "code_429": Cause.RATE_LIMITED,
    "notcredit_string_code": Cause.NO_CREDIT,
    "http_204": Cause.NOT_JSON,
    "http_401": Cause.DENIED,
    "http_403": Cause.DENIED,
    "http_401_code_999": Cause.REFUSED,
    "http_403_code_999": Cause.REFUSED,
    "http_404": Cause.NOT_FOUND,
    "http_429": Cause.RATE_LIMITED,
    "http_500": Cause.SERVER_FAULT,
    "http_502": Cause.SERVER_FAULT,
    "http_503": Cause.SERVER_FAULT,
    "http_500_good_figures": Cause.SERVER_FAULT,
    "redirect": Cause.REDIRECT,
    "timeout_before_headers": Cause.TIMEOUT,
    "timeout_in_body": Cause.TIMEOUT,
    "connection_reset": Cause.BROKEN_OFF,
    "reset_in_body": Cause.BROKEN_OFF,
    REFUSED_CONNECTION: Cause.CONNECTION_REFUSED,
    "huge_body": Cause.TOO_LARGE,
    "gzip_bomb": Cause.TOO_LARGE,
    "broken_gzip": Cause.NOT_JSON,
    "wrong_charset": Cause.NOT_JSON,
    "deep_nesting": Cause.NOT_JSON,
    # JSON is UTF-8 whatever the header claims: these hold true figures.
    "wrong_charset_latin_1": PLENTY,
    "unknown_charset": PLENTY,
}
AT_ONCE = {
    Cause.DENIED,
    Cause.KEY_MISSING,
    Cause.KEY_WRONG,
    Cause.ACCOUNT_DISABLED,
    Cause.ACCOUNT_BLOCKED,
    Cause.API_REFUSED,
    Cause.ADDRESS_REFUSED,
    Cause.NO_CREDIT,
}
SAID = {
    Cause.BROKEN_OFF: "closes the connection before",
    Cause.CONNECTION_REFUSED: "refuses the connection",
    Cause.TIMEOUT: "does not answer in time",
    Cause.SERVER_FAULT: "a fault of its own (HTTP 50",
    Cause.RATE_LIMITED: "asked too often",
    Cause.NOT_JSON: "not the JSON",
    Cause.TOO_LARGE: "far too long",
    Cause.REDIRECT: "another address (HTTP 302)",
    Cause.NOT_FOUND: "HTTP 404",
    Cause.DENIED: "denies access (HTTP 40",
    Cause.DEGRADED: "holds no credits",
    Cause.FIELD_MISSING: "lacks `",
    Cause.FIELD_NOT_A_NUMBER: "that is no number",
    Cause.KEY_MISSING: "missing (code 1)",
    Cause.KEY_WRONG: "wrong (code 10)",
    Cause.ACCOUNT_DISABLED: "disabled (code 20)",
    Cause.ACCOUNT_BLOCKED: "blocked (code 30)",
    Cause.API_REFUSED: "use of the API (code 40)",
    Cause.ADDRESS_REFUSED: "IP address that I call from (code 96)",
    Cause.NO_CREDIT: "“insufficient credit” (code ",
    Cause.REFUSED: "SMS Partner refuses (HTTP ",
}

Outcome = Credits | Failure


@asynccontextmanager
async def _providing() -> AsyncIterator[SimulatedProvider]:
    world = DemoWorld(PrepaidAccount(lambda: NOW))
    async with SimulatedProvider(world, api_key=KEY, clock=lambda: NOW).serving() as provider:
        yield provider


async def _read(session: aiohttp.ClientSession, api_url: str, watched: Account) -> Outcome:
    try:
        return await Partner(session, api_url, KEY).read(watched)
    except Unreadable as unreadable:
        return unreadable.failure


async def _read_everything() -> dict[str, dict[str, Outcome]]:
    """Read every answer once for each account, over HTTP, and last where nobody listens any more."""
    read: dict[str, dict[str, Outcome]] = {"all": {}, "money": {}}
    async with aiohttp.ClientSession() as session:
        async with _providing() as provider:
            gone = provider.api_url
            for name, answer in ANSWERS.items():
                provider.answer = answer
                read["all"][name] = await _read(session, provider.api_url, WATCHED)
                if name.startswith("creditSms"):
                    read["money"][name] = await _read(session, provider.api_url, MONEY_ONLY)
            assert not provider.redirect_followed
        read["all"][REFUSED_CONNECTION] = await _read(session, gone, WATCHED)
    return read


@pytest.fixture(scope="module")
def read() -> Iterator[dict[str, dict[str, Outcome]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.partner.client.ATTEMPT_SECONDS", 0.2)
        stamina.set_testing(True, attempts=2)
        hooks = stamina.instrumentation.get_on_retry_hooks()
        stamina.instrumentation.set_on_retry_hooks([])  # the table alone is what `-s` shows
        try:
            yield asyncio.run(_read_everything())
        finally:
            stamina.set_testing(False)
            stamina.instrumentation.set_on_retry_hooks(hooks)


def outcome_at(found: Outcome, minute: float) -> Failure | Reading:
    return found if isinstance(found, Failure) else Reading(at(minute), found)


def told_by(step: Step) -> set[tuple[Trouble, Kind]]:
    troubles = {episode.id: episode.trouble for episode in step.touched}
    return {(troubles[owed.episode], owed.kind) for owed in step.notices}


def expected_from(state: str, meaning: Cause | str) -> tuple[Level, bool, set[tuple[Trouble, Kind]]]:
    """Return what one such answer leads to: the level, whether it counts as unreadable, and what is told."""
    level, silent = LEVELS.get(state, Level.OK), "unreadable" in state
    told: set[tuple[Trouble, Kind]] = set()
    if not isinstance(meaning, Cause):
        if silent:
            told.add((Trouble.UNREADABLE, Kind.ENDED))
        if meaning == EMPTY and level is not Level.EMPTY:
            told.add((Trouble.LOW, Kind.WORSE if level else Kind.OPENED))
        if meaning == PLENTY and level:
            told.add((Trouble.LOW, Kind.ENDED))
        return (Level.EMPTY if meaning == EMPTY else Level.OK), False, told
    if silent and meaning is Cause.NO_CREDIT:
        told.add((Trouble.UNREADABLE, Kind.WORSE))
    if not silent and meaning in AT_ONCE:
        told.add((Trouble.UNREADABLE, Kind.OPENED))
    return level, silent or meaning in AT_ONCE, told


def words_of(step: Step, trouble: Trouble) -> str:
    """Return what the channel reads of one trouble."""
    episode = next(one for one in step.watch.episodes if one.trouble is trouble)
    credits_ = step.watch.reading.credits if step.watch.reading else None
    return " ".join((WORDS.title(episode), *WORDS.facts(episode, credits_)))


def assert_said(step: Step, meaning: Cause | str) -> None:
    if meaning == EMPTY:
        said = words_of(step, Trouble.LOW)
        assert said.startswith("SMS credits are used up Nothing can be sent any more: ")
    elif isinstance(meaning, Cause):
        said = words_of(step, Trouble.UNREADABLE)
        title = "is probably empty" if meaning is Cause.NO_CREDIT else "cannot be read"
        assert said.startswith(f"Account sms {title} ")
        assert SAID[meaning] in said
        assert KEY not in said


def shown(step: Step) -> str:
    """Return one cell of the table: where it leads, and what is told."""
    state = step.watch.level.name.lower()
    if step.watch.unreadable:
        state = "unreadable" if not step.watch.low else f"{state}, unreadable"
    elif step.watch.failures:
        state += f" ({step.watch.failures} failed)"
    return " ".join([state, *(f"!{kind}" for _, kind in sorted(told_by(step)))])


def test_the_matrix_leaves_no_answer_and_no_cause_out() -> None:
    assert set(EXPECTED) == {*ANSWERS, REFUSED_CONNECTION}
    of_lists = {Cause.TOO_MANY, Cause.INCOMPLETE}
    # What keeps an answer from coming at all, and what needs an earlier answer, is told elsewhere.
    elsewhere = CONNECTION - {Cause.CONNECTION_REFUSED, Cause.BROKEN_OFF} | {
        Cause.CURRENCY,
        Cause.NOT_ASKED,
        Cause.STATE_UNREADABLE,
    }
    of_an_account = set(Cause) - of_lists - elsewhere
    assert set(SAID) == of_an_account
    assert set(EXPECTED.values()) == {EMPTY, PLENTY, *of_an_account}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_answer_is_what_it_is_and_nothing_else(read: dict[str, dict[str, Outcome]], name: str) -> None:
    found, meaning = read["all"][name], EXPECTED[name]
    if isinstance(meaning, Cause):
        assert isinstance(found, Failure)
        assert found.cause is meaning
        assert found.field == (name.split(maxsplit=1)[0] if meaning is NAN else found.field)
    else:
        assert isinstance(found, Credits)
        assert found.empty is (meaning == EMPTY)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", EXPECTED)
def test_each_answer_leads_from_each_state_to_the_right_one_and_is_told_in_the_right_words(
    read: dict[str, dict[str, Outcome]], name: str, state: str
) -> None:
    found, meaning, before = read["all"][name], EXPECTED[name], STATES[state]
    level, silent, told = expected_from(state, meaning)
    step = judged(before, outcome_at(found, 10), 10, WATCHED)
    assert step.watch.level is level
    assert (step.watch.unreadable is not None) is silent
    assert told_by(step) == told
    if isinstance(meaning, Cause):
        assert step.watch.reading == before.reading, "a failure was stored as a reading"
    if told and meaning != PLENTY:
        assert_said(step, meaning)
    for minute in (11, 12):
        step = judged(step.watch, outcome_at(found, minute), minute, WATCHED)
        late = isinstance(meaning, Cause) and not silent and minute == 12
        assert told_by(step) == ({(Trouble.UNREADABLE, Kind.OPENED)} if late else set())
    if meaning != PLENTY:
        assert_said(step, meaning)


def test_there_is_no_false_low_and_no_false_end(read: dict[str, dict[str, Outcome]]) -> None:
    false_lows, false_ends, table = [], [], []
    for name, meaning in EXPECTED.items():
        cells = []
        for state, before in STATES.items():
            step = judged(before, outcome_at(read["all"][name], 10), 10, WATCHED)
            cells.append(shown(step))
            if meaning != EMPTY and step.watch.level > before.level:
                false_lows.append((name, state))
            if meaning != PLENTY and (Trouble.LOW, Kind.ENDED) in told_by(step):
                false_ends.append((name, state))
            if isinstance(meaning, Cause) and (Trouble.UNREADABLE, Kind.ENDED) in told_by(step):
                false_ends.append((name, state))
        table.append([name, str(meaning), *cells])
    _print([["answer", "is", *STATES], *table])
    sys.stdout.write(f"{len(table) * len(STATES)} cells, ")
    sys.stdout.write(f"false lows {len(false_lows)}, false ends {len(false_ends)}\n")
    assert len(false_lows) == 0, false_lows
    assert len(false_ends) == 0, false_ends


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.startswith("creditSms")])
def test_a_count_that_no_rule_needs_makes_nothing_low_and_ends_nothing(
    read: dict[str, dict[str, Outcome]], name: str
) -> None:
    found = read["money"][name]
    truly_empty = EXPECTED[name] == EMPTY
    fine = judged(known(9000, watched=MONEY_ONLY), outcome_at(found, 10), 10, MONEY_ONLY)
    assert fine.watch.level is (Level.EMPTY if truly_empty else Level.OK)
    empty = known(reading(0, 20_000), watched=MONEY_ONLY)
    for minute in (10, 11, 12):
        step = judged(empty, outcome_at(found, minute), minute, MONEY_ONLY)
        empty = step.watch
        assert empty.level is Level.EMPTY
        assert (Trouble.LOW, Kind.ENDED) not in told_by(step)
    paid = judged(empty, reading(9000, 20_000, minute=20), 20, MONEY_ONLY)
    assert (Trouble.LOW, Kind.ENDED) in told_by(paid)


def _print(rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(" | ".join(cells).rstrip() + "\n")
