"""Change the code a little, one change at a time, and see which changes no test notices.

`python -m tests.mutation bot/core bot/partner/decipher.py`; all of it happens in a copy of the tree. A change
that survives is a test that is missing, or makes no difference: which of the two, a person has to judge.
"""

import ast
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

FOLDERS = ("core", "partner", "text", "service")
"""Of the tests that concern the rules; those of the module's own folder come first, for they fail first."""

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "docs")
NO_CODE = {"annotation", "returns", "decorator_list", "bases"}
NO_ACTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass)
OTHER: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip

Changes = Iterator[tuple[str, ast.AST]]
"""What may stand in the place of a node, and how that is called."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file: on which line, what it is, and the whole text with it."""

    path: Path
    line: int
    change: str
    text: str


def mutants(path: Path, text: str) -> Iterator[Mutant]:
    """Return every change that is known of a file with this text."""
    tree = ast.parse(text)
    for place, key, node, line in _places(tree, 0):
        for change, other in (*_logic(node), *_single(node), *_fewer(node)):
            place[key] = other
            yield Mutant(path, line, change, ast.unparse(tree))
        place[key] = node


def _places(parent: ast.AST, line: int) -> Iterator[tuple[Any, Any, ast.AST, int]]:
    """Return every node with where it stands: a list and an index, or its parent's attributes and a name."""
    for name, value in ast.iter_fields(parent):
        place: Any = value if isinstance(value, list) else vars(parent)
        for key in range(len(value)) if isinstance(value, list) else [name]:
            node = place[key]
            if name not in NO_CODE and isinstance(node, ast.AST) and not _is_naming(node, parent):
                at = getattr(node, "lineno", line)
                if not (isinstance(node, ast.stmt) and isinstance(parent, ast.Module | ast.ClassDef)):
                    yield place, key, node, at
                yield from _places(node, at)


def _is_naming(node: ast.AST, parent: ast.AST) -> bool:
    """Whether this is a docstring, a text that is put together, or a member of an enumeration."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.JoinedStr) or (
        isinstance(parent, ast.ClassDef) and isinstance(node, ast.Assign)
    )


def _logic(node: ast.AST) -> Changes:
    match node:
        case ast.Compare(ops=ops):
            for number, op in enumerate(ops):
                other = _with(node, ops=[*ops[:number], OTHER[type(op)](), *ops[number + 1 :]])
                yield f"{_shown(node)} -> {_shown(other)}", other
        case ast.BoolOp(op=op, values=values):
            for operand, left in _without_each(values):
                yield f"operand dropped: {_shown(operand)}", _with(node, values=left) if left[1:] else left[0]
            other = _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
            yield f"{_shown(node)} -> {_shown(other)}", other
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            yield f"not dropped: {_shown(inner)}", inner
        case ast.IfExp(body=one, orelse=another):
            yield f"always {_shown(one)}", one
            yield f"always {_shown(another)}", another


def _single(node: ast.AST) -> Changes:
    match node:
        case ast.stmt() if not isinstance(node, NO_ACTIONS):
            yield f"deleted: {_shown(node)}", ast.Pass()
        case ast.Constant(value=bool() as value):
            yield f"{value} -> {not value}", ast.Constant(not value)
        case ast.Constant(value=int() as number):
            yield f"{number} -> {number + 1}", ast.Constant(number + 1)
            yield f"{number} -> {number - 1}", ast.Constant(number - 1)
        case ast.Constant(value=str() as text) if text:
            yield f"{text!r} -> {text + '~'!r}", ast.Constant(text + "~")


def _fewer(node: ast.AST) -> Changes:
    match node:
        case ast.Call(args=args, keywords=keywords):
            for keyword, left in _without_each(keywords):
                yield f"argument dropped: {_shown(keyword)}", _with(node, keywords=left)
            if args:
                yield f"argument dropped: {_shown(args[-1])}", _with(node, args=args[:-1])
        case ast.comprehension(ifs=ifs):
            for test, left in _without_each(ifs):
                yield f"filter dropped: {_shown(test)}", _with(node, ifs=left)
        case ast.Set(elts=elements) if elements[1:]:
            for element, left in _without_each(elements):
                yield f"element dropped: {_shown(element)}", _with(node, elts=left)
        case ast.Dict(keys=keys, values=values):
            for entry, left in _without_each(list(zip(keys, values, strict=True))):
                other = _with(node, keys=[key for key, _ in left], values=[value for _, value in left])
                yield f"entry dropped: {_shown(entry[1])}", other


def _without_each(nodes: list[Any]) -> Iterator[tuple[Any, list[Any]]]:
    return ((node, nodes[:number] + nodes[number + 1 :]) for number, node in enumerate(nodes))


def _with(node: ast.AST, **fields: object) -> ast.AST:
    other = copy(node)
    vars(other).update(fields)
    return other


def _shown(node: ast.AST) -> str:
    first, *more = ast.unparse(node).splitlines()
    return first[:70] + ("…" if more or first[70:] else "")


def survives(tree: Path, mutant: Mutant | None, seconds: float) -> bool:
    """Run the tests on a copy of the tree with this change (or as it is): whether all of them pass."""
    tests = FOLDERS
    if mutant is None:
        return _pass(tree, tests, seconds)
    changed = tree / mutant.path
    before = changed.read_text()
    changed.write_text(mutant.text)
    # What Python compiled before may look as new as the change is.
    shutil.rmtree(changed.parent / "__pycache__", ignore_errors=True)
    try:
        return _pass(tree, sorted(tests, key=lambda folder: folder not in mutant.path.parts), seconds)
    finally:
        changed.write_text(before)
        shutil.rmtree(changed.parent / "__pycache__", ignore_errors=True)


def _pass(tree: Path, folders: tuple[str, ...] | list[str], seconds: float) -> bool:
    tests = [f"tests/{folder}" for folder in folders]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "--timeout", "30", *tests]
    with subprocess.Popen(command, cwd=tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            return running.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGINT)  # so that the tests' database is cleaned up
        try:
            running.wait(30)
        except subprocess.TimeoutExpired:
            running.kill()
        return False


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--seed", type=int, default=1, help="Another choice for another seed.")
@click.option("--most", type=click.IntRange(1), default=500, help="Try so many of all mutants.")
@click.option("--seconds", type=float, default=180, help="A mutant whose tests take longer is killed.")
def main(paths: tuple[Path, ...], seed: int, most: int, seconds: float) -> None:
    """Print how many mutants of each module are killed, and those that survive; exit 1 if the tests fail."""
    files = [file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    # Relative, whatever was given: an absolute path would lead out of the copy.
    modules = [file.resolve().relative_to(Path.cwd()) for file in files]
    known = [mutant for module in modules for mutant in mutants(module, module.read_text())]
    chosen = random.Random(seed).sample(known, min(most, len(known)))  # noqa: S311 - no secret
    survivors = []
    with TemporaryDirectory(prefix="mutants-") as place:
        tree = Path(place) / "tree"
        shutil.copytree(Path(), tree, ignore=LEFT_OUT)
        if not survives(tree, None, seconds):
            sys.exit("The tests fail without a change, or take too long.")
        for mutant in sorted(chosen, key=lambda one: (str(one.path), one.line)):
            if survives(tree, mutant, seconds):
                survivors.append(mutant)
                click.echo(f"survived: {mutant.path}:{mutant.line}  {mutant.change}")
    tried, left = (Counter(str(one.path) for one in of) for of in (chosen, survivors))
    click.echo(f"\n{'module':32}{'mutants':>9}{'killed':>9}{'survived':>9}{'score':>8}")
    for name, rows in [*((name, [name]) for name in sorted(tried)), ("together", list(tried))]:
        count, alive = sum(tried[row] for row in rows), sum(left[row] for row in rows)
        click.echo(f"{name:32}{count:9}{count - alive:9}{alive:9}{(count - alive) / count:8.0%}")


if __name__ == "__main__":
    main()
