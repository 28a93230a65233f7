"""Metrics for Prometheus: what was counted, and the present state as of the facts at hand.

Amounts are exact decimals everywhere else; here they are as exact as a float, which is what Prometheus has.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import product

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot import VERSION
from bot.core.command import Verb
from bot.core.health import Facts, Overview, Part, faults
from bot.core.model import Field
from bot.core.notice import Kind, Reason, Step
from bot.core.reading import Failure
from bot.core.watch import Trouble
from bot.service.courier import Delivered, Delivery
from bot.service.polled import Polled

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0)
"""Slack waits 3 s for a command; a poll of one account ends within 45 s."""

JOBS = ("lead", "first_poll", "poll", "deliver", "prune", "step_down")
"""The jobs of the schedule, by the names with which they are counted."""

_WHY_JOBS_FAIL = ("failed", "too_slow", "database_away")
_AWAY = ("no_head", "large_head", "made_room", "all_busy", "bodies_full")
_RESULTS = ("read", "unreadable", "held_back", "in_flight", "not_stored", "passed_on")

_SPEAKING = frozenset({Field.SPEAKING_MOBILE, Field.SPEAKING_FIXED})


class Metrics:
    """Counts what it observes, in a registry of its own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library gives it no types
        self._registry = CollectorRegistry()
        self._state = _State()
        self._registry.register(self._state)
        ProcessCollector(registry=self._registry)
        build = Info("smscredits_build", "The version that runs.", registry=self._registry)
        build.info({"version": VERSION})
        self._polls = self._counter(
            "polls", "Polls of an account, by what came of them.", account=(), result=()
        )
        self._failures = self._counter(
            "read_failures", "Polls that gave no good reading, by cause.", account=(), cause=()
        )
        self._cycles = self._histogram("poll_duration_seconds", "How long a poll of all accounts took.")
        self._decisions = self._counter("decisions", "Decisions that were written, by reason.", reason=Reason)
        self._deliveries = self._counter(
            "deliveries", "Posts and edits, by what became of them.", kind=(*Kind, "edit"), outcome=Delivered
        )
        self._commands = self._counter(
            "commands", "Commands that were answered.", verb=(*Verb, "not_understood")
        )
        self._answers = self._histogram(
            "command_duration_seconds", "How long the answer to a command took, once it was understood."
        )
        self._jobs = self._counter(
            "job_failures", "Jobs that did not do their work.", job=JOBS, reason=_WHY_JOBS_FAIL
        )
        self._heartbeats = self._counter(
            "heartbeats", "Heartbeats after completed polls.", outcome=("sent", "failed", "withheld")
        )
        self._turned_away = self._counter(
            "turned_away", "Connections and requests that were not waited for, or had no room.", reason=_AWAY
        )
        self._heartbeat_failures = self._counter(
            "heartbeat_failures", "Heartbeats that failed, by cause.", cause=()
        )

    def exposition(self, facts: Facts, now: datetime, accept: str, tasks: int) -> tuple[bytes, str]:
        """Write everything down as text, in the format that the client prefers; `tasks` are under way."""
        try:
            encode, kind = choose_encoder(accept)
        except (TypeError, ValueError):  # the library stumbles over versions that are none
            encode, kind = choose_encoder("")
        self._state.update(facts, now, tasks)
        for account, result in product(facts.accounts, _RESULTS):
            self._polls.labels(account, result)
        return encode(self._registry), kind

    def polled(self, polled: Polled) -> None:
        """Count what one poll of one account found; what a group shares is no poll."""
        if polled.outcome is None and polled.step:
            return
        self._polls.labels(polled.account, _result(polled)).inc()
        if isinstance(polled.outcome, Failure):
            self._failures.labels(polled.account, polled.outcome.cause.value).inc()

    def cycle(self, took: timedelta) -> None:
        """Count a completed poll of all accounts."""
        self._cycles.observe(took.total_seconds())

    def decided(self, step: Step) -> None:
        """Count the reasons of a decision."""
        for reason in step.reasons:
            self._decisions.labels(reason.value).inc()

    def delivered(self, delivery: Delivery) -> None:
        """Count a post or an edit."""
        kind = delivery.kind.value if delivery.kind else "edit"
        self._deliveries.labels(kind, delivery.outcome.value).inc()

    def answered(self, verb: str, took: timedelta) -> None:
        """Count a command."""
        self._commands.labels(verb).inc()
        self._answers.observe(took.total_seconds())

    def job_failed(self, job: str, why: str) -> None:
        """Count a job that failed."""
        self._jobs.labels(job, why).inc()

    def heartbeat(self, outcome: str, error: str = "") -> None:
        """Count a heartbeat, and why it failed if it did."""
        self._heartbeats.labels(outcome).inc()
        if error:
            self._heartbeat_failures.labels(error).inc()

    def turned_away(self, why: str) -> None:
        """Count whom the HTTP face turned away."""
        self._turned_away.labels(why).inc()

    def _counter(self, name: str, says: str, **labels: Iterable[str]) -> Counter:
        """Return a counter; where all values of its labels are known it begins at 0 for each.

        Prometheus sees no increase in a series whose first sample is already 1.
        """
        counter = Counter(f"smscredits_{name}", says, tuple(labels), registry=self._registry)
        for values in product(*labels.values()):
            counter.labels(*values)
        return counter

    def _histogram(self, name: str, says: str) -> Histogram:
        return Histogram(f"smscredits_{name}", says, buckets=_SECONDS, registry=self._registry)


class _State(Collector):
    """The present state, from the facts at hand; with the database away the last that was seen of it."""

    def __init__(self) -> None:
        self._process: tuple[Metric, ...] = ()
        self._known: tuple[Metric, ...] = ()

    def update(self, facts: Facts, now: datetime, tasks: int) -> None:
        """Take over the facts as of now."""
        under_way = _gauge("tasks", "Tasks that are under way in this process.", tasks)
        self._process = (*_process(facts, now), under_way)
        if facts.overview:
            self._known = tuple(_known(facts, facts.overview))

    def collect(self) -> Iterable[Metric]:
        """Return every gauge."""
        return (*self._process, *self._known)


def _process(facts: Facts, now: datetime) -> Iterable[Metric]:
    amiss = {fault.part for fault in faults(facts, now)}
    pulse = facts.pulse
    yield _gauge("leader", "1 in the process that watches, 0 in one that stands by.", pulse.leading)
    yield _gauge("database_up", "1 while the database can be used.", Part.DATABASE not in amiss)
    unusable = _labelled("database_unusable", "1 for the cause why the database cannot be used.", "cause")
    for cause in {fault.cause for fault in faults(facts, now) if fault.cause}:
        unusable.add_metric([cause.value], 1)
    yield unusable
    unready = _labelled("unready", "1 for each part for which /readyz is 503.", "part")
    for part in Part:
        unready.add_metric([part.value], float(part in amiss))
    yield unready
    if pulse.polled_at:
        yield _gauge(
            "last_cycle_timestamp_seconds",
            "When this process last completed a poll.",
            pulse.polled_at.timestamp(),
        )
    if pulse.looked_at:
        yield _gauge(
            "last_look_timestamp_seconds",
            "When this process last looked whether it is to watch.",
            pulse.looked_at.timestamp(),
        )


def _known(facts: Facts, overview: Overview) -> Iterable[Metric]:
    yield _gauge(
        "notices_undelivered",
        "Words that Slack refused, or that nobody has tried to tell for a minute.",
        overview.undelivered,
    )
    if overview.waiting_since:
        yield _gauge(
            "notice_waiting_timestamp_seconds",
            "Since when the oldest word waits to be told; missing while none does.",
            overview.waiting_since.timestamp(),
        )
    yield from _readings(facts.accounts, overview)
    level = _labelled("level", "0 ok, 1 warning, 2 critical, 3 empty; missing if never read.", "account")
    for name in facts.accounts:
        if overview.watches[name].reading:
            level.add_metric([name], float(overview.watches[name].level))
    yield level
    episodes = _labelled("episode_open", "1 while an episode of this trouble is open.", "account", "trouble")
    shared = _unreadable_together(overview)
    for name in facts.accounts:
        open_ = {episode.trouble for episode in overview.watches[name].episodes}
        if name in shared:
            open_.add(Trouble.UNREADABLE)
        for trouble in Trouble:
            episodes.add_metric([name, trouble.value], float(trouble in open_))
    yield episodes


def _unreadable_together(overview: Overview) -> frozenset[str]:
    """Return the accounts that cannot be read and are told of in an episode which they share."""
    return frozenset(
        member.account
        for watch in overview.watches.values()
        if watch.unreadable
        for member in watch.unreadable.members
        if member.until is None
    )


def _readings(accounts: Sequence[str], overview: Overview) -> Iterable[Metric]:
    read_at = _labelled("reading_timestamp_seconds", "When the account was last read well.", "account")
    counts = _labelled(
        "credits",
        "What the provider counts: what is left, and what waits to be sent (toSend).",
        "account",
        "field",
    )
    speaking = _labelled("speaking_time_seconds", "Speaking time that is left.", "account", "field")
    balance = _labelled("balance", "Money that is left, in its currency.", "account", "currency")
    for name in accounts:
        reading = overview.watches[name].reading
        if reading is None:
            continue
        read_at.add_metric([name], reading.began_at.timestamp())
        for field, amount in reading.credits.amounts.items():
            if field is Field.BALANCE:
                balance.add_metric([name, reading.credits.currency], float(amount))
            else:
                (speaking if field in _SPEAKING else counts).add_metric([name, field.value], float(amount))
    return (read_at, counts, speaking, balance)


def _result(polled: Polled) -> str:
    if polled.passed_on:
        return "passed_on"
    if polled.held_back:
        return "held_back"
    if polled.outcome is None:
        return "in_flight"
    if isinstance(polled.outcome, Failure):
        return "unreadable"
    return "read" if polled.step else "not_stored"


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(f"smscredits_{name}", says, value=float(value))


def _labelled(name: str, says: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"smscredits_{name}", says, labels=labels)
