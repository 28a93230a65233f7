"""Checks that a JSON value has a certain shape, built from one another; each fault names its JSON path."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias, cast

Check: TypeAlias = Callable[[object, str], Iterator[str]]
"""Judges the value found at a JSON path and yields one sentence for each fault."""

Rule: TypeAlias = Callable[[Mapping[str, object], str], Iterator[str]]
"""Judges several fields of one object together; runs only when each of them is sound by itself."""


def at(path: str, key: str) -> str:
    """Return the path of a field of the object at a path."""
    return f"{path}.{key}" if path else key


def string(limit: int, markup: Callable[[str], Iterator[str]] | None = None, *, blank: bool = False) -> Check:
    """A string up to so many characters, not blank unless that is allowed, its markup judged too."""

    def check(value: object, path: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"{path}: must be a string, not {kind_of(value)}"
        elif not (value if blank else value.strip()):
            yield f"{path}: must not be empty"
        else:
            if len(value) > limit:
                yield f"{path}: {len(value)} characters, {limit} are allowed"
            if markup is not None:
                yield from (f"{path}: {fault}" for fault in markup(value))

    return check


def pattern(limit: int, expression: str, noun: str) -> Check:
    """A string with a shape, such as an address or a message's ts."""
    shape = re.compile(expression)

    def check(value: object, path: str) -> Iterator[str]:
        wrong = list(string(limit)(value, path))
        yield from wrong
        if not wrong and not shape.fullmatch(cast("str", value)):
            yield f"{path}: {value!r} is no {noun}"

    return check


def either(*choices: object) -> Check:
    """One of these values, by type too: 1 is not true."""

    def check(value: object, path: str) -> Iterator[str]:
        if not any(value == choice and type(value) is type(choice) for choice in choices):
            yield f"{path}: {value!r} is not one of {', '.join(map(repr, choices))}"

    return check


FLAG = either(True, False)


def number(low: float = -math.inf, high: float = math.inf, *, whole: bool = False) -> Check:
    """A finite number, or a whole one, within bounds."""

    def check(value: object, path: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            yield f"{path}: must be a {'whole ' * whole}number, not {kind_of(value)}"
        elif not math.isfinite(value):
            yield f"{path}: must be a finite number"
        elif not low <= value <= high:
            yield f"{path}: {value} is not between {low} and {high}"

    return check


def list_of(item: Check, least: int, most: int) -> Check:
    """A list of so many items, each of which passes a check."""

    def check(value: object, path: str) -> Iterator[str]:
        if not isinstance(value, list | tuple):
            yield f"{path}: must be a list, not {kind_of(value)}"
            return
        if not least <= len(value) <= most:
            yield f"{path}: {len(value)} items, {least} to {most} are allowed"
        for place, entry in enumerate(value):
            yield from item(entry, f"{path}[{place}]")

    return check


def object_of(needed: Mapping[str, Check], further: Mapping[str, Check] | None = None, *rules: Rule) -> Check:
    """An object with all of the needed fields, any of the further ones, and no other."""
    known = {**needed, **(further or {})}

    def check(value: object, path: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{path or 'message'}: must be an object, not {kind_of(value)}"
            return
        wrong = [f"{at(path, name)}: missing" for name in needed if name not in value]
        for name, entry in value.items():
            if name in known:
                wrong.extend(known[name](entry, at(path, name)))
            else:
                wrong.append(f"{at(path, str(name))}: unknown field")
        yield from wrong
        if not wrong:
            for rule in rules:
                yield from rule(value, path)

    return check


def typed(noun: str, kinds: Mapping[str, Check]) -> Check:
    """An object whose `type` says which further fields it has."""

    def check(value: object, path: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{path}: must be an object, not {kind_of(value)}"
        elif "type" not in value:
            yield f"{at(path, 'type')}: missing"
        elif not isinstance(value["type"], str) or value["type"] not in kinds:
            yield f"{path}: {value['type']!r} is no {noun} known here ({', '.join(kinds)})"
        else:
            rest = {name: entry for name, entry in value.items() if name != "type"}
            yield from kinds[value["type"]](rest, path)

    return check


def kind_of(value: object) -> str:
    """Return what JSON calls the type of a value, for a sentence."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


# Rules over several fields


def one_of(*names: str) -> Rule:
    """Exactly one of these fields is there."""

    def rule(value: Mapping[str, object], path: str) -> Iterator[str]:
        if sum(name in value for name in names) != 1:
            yield f"{path}: needs exactly one of {', '.join(names)}"

    return rule


def some_of(*names: str) -> Rule:
    """At least one of these fields is there."""

    def rule(value: Mapping[str, object], path: str) -> Iterator[str]:
        if not any(name in value for name in names):
            yield f"{path}: needs one of {', '.join(names)}"

    return rule


def objects(value: object) -> list[Mapping[str, object]]:
    """Return a list of objects that has passed its check, typed as such."""
    return cast("list[Mapping[str, object]]", value)


def unique(items: str, key: str) -> Rule:
    """No two objects of a list have the same value in a field."""

    def rule(value: Mapping[str, object], path: str) -> Iterator[str]:
        seen: set[object] = set()
        for place, item in enumerate(objects(value.get(items, []))):
            if key in item and item[key] in seen:
                yield f"{at(path, items)}[{place}].{key}: {item[key]!r} stands there twice"
            seen.add(item.get(key))

    return rule
