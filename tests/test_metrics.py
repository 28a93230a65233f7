"""What Prometheus says of the metrics and of the rules of docs/operating.md; nothing is a global."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import prometheus_client
import pytest
import yaml

from bot.core.health import Facts, Overview, Pulse
from bot.core.model import Field
from bot.core.reading import Credits, Held, Reading
from bot.core.watch import Member, Trouble, Watch
from bot.metrics import JOBS, Metrics
from bot.schedule import Schedule
from bot.service import Service
from bot.service.courier import Delivered, Delivery
from bot.service.polled import Polled
from tests.samples import DOWN, NOW, WRONG_KEY, known, opened, reading
from tests.test_documents import OPERATING
from tests.tools import tool

RULES = re.search(r"^```yaml\n(groups:\n.*?)^```$", OPERATING, re.MULTILINE | re.DOTALL)


async def promtool(*arguments: str, text: str = "") -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        tool("promtool", package="prometheus"),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate(text.encode())
    return process.returncode, out.decode()


def exposed(metrics: Metrics, *watches: Watch) -> str:
    """Return what a scrape gets for accounts of which this is known."""
    found = {f"account-{number}": watch for number, watch in enumerate(watches)}
    overview = Overview(found, undelivered=2, waiting_since=NOW)
    pulse = Pulse(leading=True, since=NOW, polled_at=NOW, looked_at=NOW)
    facts = Facts(tuple(found), timedelta(minutes=5), NOW, pulse, slack=True, overview=overview)
    return metrics.exposition(facts, NOW, "", 7)[0].decode()


def busy() -> Metrics:
    """Return metrics that have seen a bit of everything."""
    metrics = Metrics()
    step = known(4000)
    metrics.polled(Polled("account-0", reading(4000)))
    metrics.polled(Polled("account-0", DOWN))
    metrics.polled(Polled("account-0", held_back=Held.LIMIT))
    metrics.cycle(timedelta(seconds=1))
    metrics.delivered(Delivery(Delivered.EDITED))
    metrics.answered("show", timedelta(seconds=0.2))
    metrics.job_failed("poll", "too_slow")
    metrics.heartbeat("sent")
    assert step.low
    return metrics


VOICE = Watch(
    reading=Reading(NOW, Credits({Field.BALANCE: Decimal("19.125"), Field.SPEAKING_MOBILE: Decimal(21366)}))
)


async def test_prometheus_finds_nothing_to_say_about_the_metrics() -> None:
    assert await promtool("check", "metrics", text=exposed(busy(), known(4000), known(DOWN), VOICE)) == (
        0,
        "",
    )


async def test_prometheus_takes_the_rules_of_the_readme(tmp_path: Path) -> None:
    assert RULES
    path = tmp_path / "rules.yaml"
    path.write_text(RULES[1])
    code, said = await promtool("check", "rules", str(path))
    assert (code, "SUCCESS: 8 rules found" in said) == (0, True), said


# Two copies: at 12:00 `b` takes over and finds readings of a minute ago, so it polls first at 12:29.
TAKE_OVER = """
rule_files: [rules.yaml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: smscredits_leader{instance="a"}
        values: 1x720 0x60
      - series: smscredits_leader{instance="b"}
        values: 0x720 1x60
      - series: smscredits_last_cycle_timestamp_seconds{instance="a"}
        values: 0+60x719 43140x61
      - series: smscredits_last_cycle_timestamp_seconds{instance="b"}
        values: 0x724 43500+60x3 43740x51
      - series: smscredits_job_failures_total{job="prune"}
        values: 0+1x780
    alert_rule_test:
      - {eval_time: 11h50m, alertname: SmsCreditsPollLate}
      - {eval_time: 12h2m, alertname: SmsCreditsPollLate}
      - {eval_time: 12h20m, alertname: SmsCreditsPollLate}
      - eval_time: 12h59m
        alertname: SmsCreditsPollLate
        exp_alerts: [{exp_annotations: {summary: No poll was completed for half an hour.}}]
      - {eval_time: 12h59m, alertname: SmsCreditsBotDown}
      - eval_time: 2h
        alertname: SmsCreditsJobFails
        exp_alerts:
          - exp_labels: {job: prune}
            exp_annotations: {summary: "prune does not do its work: see the log."}
"""


async def test_the_rules_of_the_readme_call_for_what_is_late_and_not_for_a_take_over(tmp_path: Path) -> None:
    assert RULES
    (tmp_path / "rules.yaml").write_text(RULES[1])
    (tmp_path / "take_over.yaml").write_text(TAKE_OVER)
    code, said = await promtool("test", "rules", str(tmp_path / "take_over.yaml"))
    assert code == 0, said


def test_each_account_that_is_told_of_together_cannot_be_read_under_its_own_name() -> None:
    out, back = Member("account-0", NOW, DOWN), Member("account-1", NOW, DOWN, until=NOW)
    together = Watch(unreadable=replace(opened(Trouble.UNREADABLE, WRONG_KEY), members=(out, back)))
    found = {"account-0": known(4000), "account-1": known(4000), "host@C0ALERTS": together}
    pulse = Pulse(leading=True, since=NOW, polled_at=NOW, looked_at=NOW)
    facts = Facts(
        ("account-0", "account-1"), timedelta(minutes=5), NOW, pulse, slack=True, overview=Overview(found)
    )
    text = Metrics().exposition(facts, NOW, "", 7)[0].decode()
    assert 'smscredits_episode_open{account="account-0",trouble="unreadable"} 1.0' in text
    assert 'smscredits_episode_open{account="account-1",trouble="unreadable"} 0.0' in text
    assert "C0ALERTS" not in text


def test_the_rules_of_the_readme_ask_for_metrics_that_exist() -> None:
    assert RULES
    text = exposed(busy(), known(4000), VOICE)
    rules = yaml.safe_load(RULES[1])["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"smscredits_\w+", rule["expr"])}
    assert asked
    assert not {name for name in asked if f"\n# TYPE {name} " not in text}


def test_figures_are_by_account_and_what_was_never_read_has_none() -> None:
    lines = exposed(Metrics(), known(4000), Watch(), VOICE).splitlines()
    assert 'smscredits_credits{account="account-0",field="creditSms"} 4000.0' in lines
    assert 'smscredits_balance{account="account-2",currency=""} 19.125' in lines
    assert 'smscredits_speaking_time_seconds{account="account-2",field="tts"} 21366.0' in lines
    assert 'smscredits_episode_open{account="account-0",trouble="low"} 1.0' in lines
    assert "smscredits_notices_undelivered 2.0" in lines
    assert not [line for line in lines if "account-1" in line and "credits{" in line]
    assert not [line for line in lines if "account-1" in line and "timestamp" in line]
    assert not [line for line in lines if "account-1" in line and "level{" in line]


@pytest.mark.parametrize(
    "series",
    [
        'polls_total{account="account-0",result="unreadable"}',
        'decisions_total{reason="opened"}',
        'deliveries_total{kind="opened",outcome="refused"}',
        'deliveries_total{kind="edit",outcome="gone"}',
        'commands_total{verb="not_understood"}',
        'job_failures_total{job="poll",reason="too_slow"}',
        'heartbeats_total{outcome="failed"}',
    ],
)
def test_what_has_not_happened_yet_is_counted_as_none(series: str) -> None:
    assert f"smscredits_{series} 0.0" in exposed(Metrics(), Watch()).splitlines()


def test_whatever_happens_there_is_no_series_that_was_not_there_before() -> None:
    """But for failures to read: accounts times causes would be too many."""
    later = {line.partition(" ")[0] for line in exposed(busy(), Watch()).splitlines()}
    before = {line.partition(" ")[0] for line in exposed(Metrics(), Watch()).splitlines()}
    assert {name.partition("{")[0] for name in later - before} == {"smscredits_read_failures_total"}


@pytest.mark.parametrize("job", JOBS)
def test_the_jobs_that_are_counted_are_those_of_the_schedule(job: str) -> None:
    owners = (Schedule, Service)
    assert any(hasattr(owner, name) for owner in owners for name in (job, f"_{job}"))


def test_nothing_is_said_of_when_counting_began() -> None:
    assert "_created" not in exposed(busy())


@pytest.mark.parametrize(
    "accept", ["application/openmetrics-text; version=abc", "application/openmetrics-text; version=", "\x00"]
)
def test_whatever_format_is_asked_for_there_is_an_answer(accept: str) -> None:
    pulse = Pulse(leading=True, since=NOW)
    facts = Facts((), timedelta(minutes=5), NOW, pulse, slack=True, overview=None)
    assert b"smscredits_leader 1.0" in Metrics().exposition(facts, NOW, accept, 7)[0]


def test_two_bots_in_one_process_count_apart_and_nothing_is_a_global() -> None:
    one, other = busy(), Metrics()
    assert 'smscredits_commands_total{verb="show"} 1.0' in exposed(one)
    assert 'smscredits_commands_total{verb="show"} 0.0' in exposed(other)
    assert b"smscredits" not in prometheus_client.generate_latest(prometheus_client.REGISTRY)
