import sys

import pytest

from tests.fuzz.run import fuzz


@pytest.mark.proof
async def test_whatever_is_sent_is_never_a_500_and_fails_nowhere_inside() -> None:
    """Some hundred requests here, 20,000 by `python -m tests.fuzz 20000`."""
    counted = await fuzz(300, 1)
    sys.stdout.write(counted.table())
    assert counted.failures == []
    families = {"command", "garbage", "interaction", "raw", "metrics", "bearer"}
    assert {family for family, _ in counted.statuses} == families
    assert counted.statuses["bearer", "200"] > 0
    assert counted.total >= 300
