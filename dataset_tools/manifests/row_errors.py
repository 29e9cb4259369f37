"""What is wrong with a row, in words: pydantic's findings as problems with a hint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dataset_tools.errors import Problems, did_you_mean
from dataset_tools.manifests.schema import ManifestRow, choices

CONSENT_HINT = 'Add "consent": "ID-OF-THE-RECORD", or {"id": "…", "by": "guardian"}.'


def checked_row(where: str, values: Mapping[str, Any], problems: Problems) -> ManifestRow | None:
    """The row, or None and a problem for each thing that is wrong with it."""
    unknown = values.keys() - ManifestRow.model_fields.keys()
    if unknown:
        for key in (key for key in values if key in unknown):
            problems.add(where, *unknown_key(key))
        values = {key: value for key, value in values.items() if key not in unknown}
    try:
        return ManifestRow.model_validate(values)
    except ValidationError as error:
        for message, hint in dict.fromkeys(map(_in_words, error.errors(include_url=False))):
            problems.add(where, message, hint)
        return None


def unknown_key(key: str) -> tuple[str, str]:
    return f"unknown key '{key}'.", did_you_mean(key, ManifestRow.model_fields)


def _in_words(detail: ErrorDetails) -> tuple[str, str]:
    """What is wrong with a field, and what to do."""
    field = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing" and field == "consent":
        return "no consent record: a row without one is not trained on.", CONSENT_HINT
    if field in ("consent.id", "consent"):
        return f"'{field}' is not a consent record.", CONSENT_HINT
    if field.startswith("ear_box") and not detail["msg"].startswith("Value error"):
        return "ear_box: four whole numbers are wanted.", "x0, y0, x1, y1 in pixels."
    if detail["type"] == "bool_type":
        return f"{field}: {detail['input']!r} is neither true nor false.", "In a table: yes or no."
    if detail["type"] == "missing":
        return f"'{field}' is missing.", _one_of(field)
    if detail["type"] == "extra_forbidden":
        return f"unknown key '{field}'.", ""
    if detail["type"] == "literal_error":
        return _not_a_choice(field, detail["input"])
    message = detail["msg"].removeprefix("Value error, ")
    return (f"{field}: {message}" if field else message), ""


def _not_a_choice(field: str, value: Any) -> tuple[str, str]:
    hint = did_you_mean(value, choices(field)) if isinstance(value, str) else ""
    return f"{field}: {value!r} is not known.", f"{hint} {_one_of(field)}".strip()


def _one_of(field: str) -> str:
    return f"One of: {', '.join(choices(field))}." if choices(field) else ""
