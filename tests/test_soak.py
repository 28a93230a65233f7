import sys
from subprocess import run

import pytest

from bench.soak import COLUMNS, MAY_GROW, SAMPLES, Sample, grown


def samples(name: str, *figures: int) -> list[Sample]:
    flat = dict.fromkeys(COLUMNS, 50_000)
    return [Sample(float(second), flat | {name: figure}, 0, {}) for second, figure in enumerate(figures)]


@pytest.mark.parametrize("name", COLUMNS)
def test_whatever_grows_from_the_middle_third_to_the_last_is_named(name: str) -> None:
    step = MAY_GROW[name]
    growing = samples(name, *(100 + step * number for number in range(SAMPLES)))
    assert [found.split(" grew")[0] for found in grown(growing)] == [name]
    begins = [100 + 10 * step * number for number in range(SAMPLES // 3)]
    assert grown(samples(name, *begins, *[9000] * (SAMPLES - len(begins)))) == [], "it may grow at first"
    assert grown(samples(name, *reversed(range(SAMPLES)))) == [], "it may shrink"


@pytest.mark.proof
def test_a_short_soak_prints_how_the_bot_does_over_time_and_its_verdict() -> None:
    done = run(
        [sys.executable, "-m", "bench.soak", "--seconds", "4"], capture_output=True, text=True, check=False
    )
    heading, *lines, verdict = done.stdout.splitlines()
    assert heading.split()[0] == "time", done.stderr
    assert len(lines) == SAMPLES
    assert int(lines[-1].split()[-3].replace(",", "")) >= 1, "readings were stored"
    # So soon after its start the bot still grows, perhaps: either verdict is right, and has its exit code.
    assert done.returncode == (0 if verdict.startswith("flat") else 1), done.stderr
