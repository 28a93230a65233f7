"""Every family of requests, the commonest more than once."""

from hypothesis import strategies as st

from tests.fuzz.looks import borne_metrics, metrics
from tests.fuzz.requests import commands, garbage, interactions, raw

FAMILIES = (
    interactions(),
    interactions(),
    interactions(),
    commands(),
    commands(),
    garbage(),
    garbage(),
    raw(),
    metrics(),
    borne_metrics(),
)
SAMPLES = st.integers(0, len(FAMILIES) - 1).flatmap(lambda number: FAMILIES[number])
