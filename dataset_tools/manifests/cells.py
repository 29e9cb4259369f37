"""Cells of a table → values of a row: yes and no, boxes, consent and tags over several columns."""

from __future__ import annotations

import re
from typing import Any

from dataset_tools.data_text import from_json
from dataset_tools.manifests.schema import Consent, ManifestRow

_YES_AND_NO = {"yes": True, "true": True, "1": True, "y": True, "x": True} | dict.fromkeys(
    ("no", "false", "0", "n"), False
)
_TAG = "tags."
_CONSENT = tuple(f"consent.{name}" for name in Consent.model_fields)


def known_column(name: str) -> bool:
    """Whether ``name`` is a field, ``consent.id``, ``consent.by``, or ``tags.NAME``."""
    return name in ManifestRow.model_fields or name in _CONSENT or (name.startswith(_TAG) and name != _TAG)


def put_cell(values: dict[str, Any], column: str, cell: str) -> None:
    """Put a cell that is not empty into ``values``; what is no value of its kind stays text."""
    field, _, part = column.partition(".")
    if part:
        values[field] = {**_as_object(field, values.get(field)), part: cell}
    elif field in values and field in ("consent", "tags"):
        values[field] = {**_as_object(field, _value(field, cell)), **values[field]}
    else:
        values[field] = _value(field, cell)


def _as_object(field: str, value: Any) -> dict[str, Any]:
    if isinstance(value, str) and field == "consent":
        return {"id": value}
    return value if isinstance(value, dict) else {}


def _value(field: str, cell: str) -> Any:
    if field == "ear_visible":
        return _YES_AND_NO.get(cell.casefold(), cell)
    if field == "ear_box":
        return _box(cell)
    if field in ("consent", "tags") and cell.startswith("{"):
        return _json(cell)
    return cell


def _box(cell: str) -> Any:
    """``"10, 20, 30, 40"`` → [10, 20, 30, 40], with or without brackets."""
    parts = re.split(r"[\s,;]+", cell.strip("[]() "))
    return [int(part) for part in parts] if all(re.fullmatch(r"-?\d+", part) for part in parts) else cell


def _json(cell: str) -> Any:
    try:
        return from_json(cell)
    except ValueError:
        return cell
