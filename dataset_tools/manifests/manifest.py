"""A manifest as rows: from JSON, JSON lines, or the names of folders. Every problem is told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dataset_tools.errors import Problems, UserError, did_you_mean
from dataset_tools.manifests.folder_names import folder_rows
from dataset_tools.manifests.manifest_json import json_rows
from dataset_tools.manifests.schema import ManifestRow, choices

SHOWN_PROBLEMS = 50
CONSENT_HINT = 'Add "consent": "ID-OF-THE-RECORD", or {"id": "…", "by": "guardian"}.'


@dataclass(frozen=True)
class Manifest:
    """The rows of one manifest; ``root`` is the folder that their paths are relative to."""

    root: Path
    rows: tuple[ManifestRow, ...]
    source: Path

    def image_path(self, row: ManifestRow) -> Path:
        return self.root / row.image

    def mask_path(self, row: ManifestRow) -> Path | None:
        return None if row.mask is None else self.root / row.mask


def read_manifest(path: Path, defaults: Mapping[str, Any] | None = None) -> Manifest:
    """Read and check a ``.json`` or ``.jsonl`` file or a folder; ``defaults`` fill what a row leaves out.

    UserError names every wrong row with file and row, and every image and mask that is not there.
    """
    problems = Problems()
    root = path if path.is_dir() else path.parent
    rows = _checked_rows(path, defaults or {}, problems)
    _check_files(root, rows, problems)
    _raise(path, problems)
    if not rows:
        raise UserError(f"{path}: no images in it", "A manifest needs at least one row.")
    return Manifest(root, tuple(row for _, row in rows), path)


def _raw_rows(path: Path, problems: Problems) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if path.is_dir():
        return folder_rows(path, problems)
    if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
        return json_rows(path, problems)
    if not path.exists():
        raise UserError(f"{path}: no such manifest", "Name a .json or .jsonl file, or a folder of images.")
    raise UserError(f"{path}: not a manifest", "A manifest is a .json or .jsonl file, or a folder of images.")


def _checked_rows(
    path: Path, defaults: Mapping[str, Any], problems: Problems
) -> list[tuple[str, ManifestRow]]:
    _check_defaults(defaults, problems)
    rows, seen = [], {}
    for where, values in _raw_rows(path, problems):
        row = _checked(where, {**defaults, **values}, problems)
        if row is None:
            continue
        if row.image in seen:
            problems.add(where, f"image '{row.image}' is there already, at {seen[row.image]}")
        seen[row.image] = where
        rows.append((where, row))
    return rows


def _check_defaults(defaults: Mapping[str, Any], problems: Problems) -> None:
    for key in defaults:
        if key not in ManifestRow.model_fields:
            problems.add(
                "manifest defaults", f"unknown key '{key}'.", did_you_mean(key, ManifestRow.model_fields)
            )


def _checked(where: str, values: Mapping[str, Any], problems: Problems) -> ManifestRow | None:
    known = {key: value for key, value in values.items() if key in ManifestRow.model_fields}
    for key in (key for key in values if key not in known):
        problems.add(where, f"unknown key '{key}'.", did_you_mean(key, ManifestRow.model_fields))
    try:
        return ManifestRow.model_validate(known)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            problems.add(where, *_in_words(detail))
        return None


def _in_words(detail: ErrorDetails) -> tuple[str, str]:
    """What is wrong with a field, and what to do."""
    field = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing" and field == "consent":
        return "no consent record: a row without one is not trained on.", CONSENT_HINT
    if field in ("consent.id", "consent"):
        return f"'{field}' is not a consent record.", CONSENT_HINT
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


def _check_files(root: Path, rows: list[tuple[str, ManifestRow]], problems: Problems) -> None:
    for where, row in rows:
        if not (root / row.image).is_file():
            problems.add(where, f"no image '{row.image}' in {root}")
        if row.mask is not None and not (root / row.mask).is_file():
            problems.add(where, f"no mask '{row.mask}' in {root}")


def _raise(path: Path, problems: Problems) -> None:
    count = len(problems.found)
    if count > SHOWN_PROBLEMS:
        del problems.found[SHOWN_PROBLEMS:]
        problems.add(path, f"and {count - SHOWN_PROBLEMS} more")
    title = f"{path}: {count} problems" if count > 1 else ""
    problems.raise_if_any(title, "Nothing was read: mend the manifest and try again." if count > 1 else "")
