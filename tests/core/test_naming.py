import random

import pytest

from bot.core.naming import natural
from tests.samples import named


@pytest.mark.parametrize(
    "in_order",
    [
        ["account1", "account2", "account10", "account10a", "account11"],
        ["1-marketing", "2-marketing", "10-marketing", "20-marketing", "100-marketing"],
        ["a", "a-1", "a-1-2", "a-1-10", "a-2", "b"],
        ["01", "1", "2", "002-x", "10"],
        ["Alpha", "beta", "Gamma2", "gamma10"],
        ["رسائل٢", "رسائل١٠", "رسائل١١"],
        ["2-情報", "10-情報", "情報2", "情報10"],
        ["m10", "m²", "m³"],
        [named(number) for number in range(200)],
    ],
    ids=lambda names: names[0],
)
def test_names_are_counted_as_people_count_them_in_every_alphabet(in_order: list[str]) -> None:
    shuffled = random.Random(1).sample(in_order, len(in_order))  # noqa: S311 - no secret
    assert sorted(shuffled, key=natural) == in_order


def test_names_that_count_alike_keep_one_order_however_they_come() -> None:
    alike = ["01", "1", "\u0661", "001", "A1", "a1", "a01"]
    shuffled = [random.Random(seed).sample(alike, len(alike)) for seed in range(50)]  # noqa: S311 - no secret
    assert len({tuple(sorted(names, key=natural)) for names in shuffled}) == 1
