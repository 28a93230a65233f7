"""The changes that `python -m tests.mutation` makes, of which a test should notice each."""

from pathlib import Path

import pytest

from tests.mutation import mutants


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("a < b", ["a <= b"]),
        ("a is b", ["a is not b"]),
        ("a and b", ["b", "a", "a or b"]),
        ("not a", ["a"]),
        ("a if b else c", ["a", "c"]),
        ("3", ["4", "2"]),
        ("True", ["False"]),
        ("'sms'", ["'sms~'"]),
        ("f(a, b=c)", ["f(a)", "f(b=c)"]),
        ("{a, b}", ["{b}", "{a}"]),
        ("{**a, b: c}", ["{b: c}", "{**a}"]),
        ("[a for a in b if c]", ["[a for a in b]"]),
        ("f'{a} left'", []),
    ],
)
def test_each_expression_is_changed_in_every_way_that_is_known(code: str, changed: list[str]) -> None:
    found = list(mutants(Path("bot/some.py"), f"x = \\\n{code}"))
    assert [mutant.text for mutant in found] == [f"x = {one}" for one in changed]
    assert {mutant.line for mutant in found} <= {2}


def test_statements_are_deleted_where_something_is_done_and_nothing_that_only_names_is_changed() -> None:
    code = 'class Level(Enum):\n    """How bad."""\n    OK = 0\n\ndef f(a: int):\n    """Do."""\n    return a'
    (mutant,) = mutants(Path("bot/some.py"), code)
    assert (mutant.line, mutant.change) == (7, "deleted: return a")
    assert mutant.text == code.replace("return a", "pass")
