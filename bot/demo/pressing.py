"""The buttons and menus of a message: which are there, and what Slack tells of the one that was used."""

from collections.abc import Iterator

from bot.demo.workspace import Json, Message

_TOLD = ("type", "action_id", "text", "value", "style", "placeholder")


def action_of(message: Message, action_id: str, value: str | None, selected_option: str | None) -> Json:
    """Return the entry of `actions` for a press, or for the choice of an option by its value.

    Raises:
        LookupError: the message has no such element (with that value), or the menu no such option.
    """
    block, element = _find(message, action_id, value)
    told = {name: element[name] for name in _TOLD if name in element}
    chosen = {} if element["type"] == "button" else {"selected_option": _option(element, selected_option)}
    return {**told, "block_id": block["block_id"], **chosen}


def state_of(message: Message, used: Json) -> Json:
    """Return the `state` of a message: what each of its menus stands at, after this action."""
    values: Json = {}
    for block, element in _elements(message):
        if element["type"] == "static_select":
            is_used = (block["block_id"], element["action_id"]) == (used["block_id"], used["action_id"])
            chosen = used["selected_option"] if is_used else element.get("initial_option")
            menu = {"type": "static_select", "selected_option": chosen}
            values.setdefault(block["block_id"], {})[element["action_id"]] = menu
    return {"values": values}


def _elements(message: Message) -> Iterator[tuple[Json, Json]]:
    for block in message.blocks:
        inside = [*block.get("elements", ()), *block.get("actions", ()), block.get("accessory")]
        yield from ((block, element) for element in inside if element and "action_id" in element)


def _find(message: Message, action_id: str, value: str | None) -> tuple[Json, Json]:
    for block, element in _elements(message):
        if element["action_id"] == action_id and value in {None, element.get("value")}:
            return block, element
    there = [(element["action_id"], element.get("value")) for _, element in _elements(message)]
    raise LookupError(f"no element {action_id!r} (value {value!r}) in the message; there are {there}")


def _option(element: Json, value: str | None) -> Json:
    groups = element.get("option_groups", [element])
    options: list[Json] = [option for group in groups for option in group["options"]]
    for option in options:
        if option["value"] == value:
            return option
    raise LookupError(f"no option {value!r}; there are {[option['value'] for option in options]}")
