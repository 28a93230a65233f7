"""Block Kit's blocks of figures: tables and charts.

The rules are those of https://docs.slack.dev/reference/block-kit/blocks.
"""

from collections.abc import Iterator, Mapping
from typing import cast

from bot.demo.blockkit_elements import RICH_TEXT, block
from bot.demo.payload_checks import (
    FLAG,
    Check,
    at,
    either,
    list_of,
    number,
    object_of,
    objects,
    string,
    typed,
    unique,
)


def _letters(value: object) -> int:
    if isinstance(value, Mapping):
        own = value.get("text")
        return (len(own) if isinstance(own, str) else 0) + sum(
            _letters(entry) for entry in value.values() if isinstance(entry, Mapping | list | tuple)
        )
    return sum(map(_letters, value)) if isinstance(value, list | tuple) else 0


def _table_letters(value: Mapping[str, object], path: str) -> Iterator[str]:
    if (total := _letters(value["rows"])) > 10_000:
        yield f"{at(path, 'rows')}: {total} characters in all, 10000 are allowed"


def _data_table_shape(value: Mapping[str, object], path: str) -> Iterator[str]:
    rows = cast("list[list[Mapping[str, object]]]", value["rows"])
    width = len(rows[0])
    for place, row in enumerate(rows):
        if len(row) != width:
            yield f"{at(path, 'rows')}[{place}]: {len(row)} cells, the first row has {width}"
    for place, cell in enumerate(rows[0]):
        if cell["type"] == "rich_text":
            yield f"{at(path, 'rows')}[0][{place}]: rich_text is not allowed in the header row"
    if cast("int", value.get("row_header_column_index", 0)) >= width:
        yield f"{at(path, 'row_header_column_index')}: there are only {width} columns"


def _chart_labels(value: Mapping[str, object], path: str) -> Iterator[str]:
    categories = list(cast("list[str]", cast("Mapping[str, object]", value["axis_config"])["categories"]))
    for place, series in enumerate(objects(value["series"])):
        if [point["label"] for point in objects(series["data"])] != categories:
            yield f"{at(path, 'series')}[{place}].data: its labels differ from axis_config.categories"


def _column_setting(value: object, path: str) -> Iterator[str]:
    if value is not None:
        yield from _COLUMN(value, path)


_CELL_TEXT = {"text": string(10_000)}
_CELLS: Mapping[str, Check] = {"raw_text": object_of(_CELL_TEXT), "rich_text": object_of(RICH_TEXT)}
_NUMBER_CELL = object_of({"value": number(), **_CELL_TEXT})
_TABLE_ROWS = list_of(list_of(typed("cell", _CELLS), 1, 20), 1, 100)
_DATA_ROWS = list_of(list_of(typed("cell", {**_CELLS, "raw_number": _NUMBER_CELL}), 1, 20), 2, 101)
_COLUMN = object_of({}, {"align": either("left", "center", "right"), "is_wrapped": FLAG})
_LABEL = string(20)
_POINTS = list_of(object_of({"label": _LABEL, "value": number()}), 1, 20)
_AXES = object_of({"categories": list_of(_LABEL, 1, 20)}, {"x_label": string(50), "y_label": string(50)})
_CHART = object_of(
    {"series": list_of(object_of({"name": _LABEL, "data": _POINTS}), 1, 6), "axis_config": _AXES},
    None,
    unique("series", "name"),
    _chart_labels,
)
_PIE = object_of({"segments": list_of(object_of({"label": _LABEL, "value": number(0)}), 1, 6)})
_CHARTS = {"line": _CHART, "bar": _CHART, "area": _CHART, "pie": _PIE}
_COLUMNS = {"column_settings": list_of(_column_setting, 1, 20)}
_PAGING = {"page_size": number(1, 100, whole=True), "row_header_column_index": number(0, 19, whole=True)}

DATA_BLOCKS: Mapping[str, Check] = {
    "table": block({"rows": _TABLE_ROWS}, _COLUMNS, _table_letters),
    "data_table": block(
        {"caption": string(3000), "rows": _DATA_ROWS}, _PAGING, _data_table_shape, _table_letters
    ),
    "data_visualization": block({"title": string(50), "chart": typed("chart", _CHARTS)}),
}
"""Every block of figures by its type."""
