"""A manifest as rows: from JSON, JSON lines, CSV, a Kohya tree or folder names; every problem is told."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.errors import Problems, UserError
from dataset_tools.manifests.counted import CountedProblems
from dataset_tools.manifests.folder_names import folder_rows
from dataset_tools.manifests.kohya_tree import is_kohya_tree, kohya_rows
from dataset_tools.manifests.manifest_csv import csv_rows
from dataset_tools.manifests.manifest_json import json_line_rows, json_rows
from dataset_tools.manifests.manifest_text import KINDS_HINT
from dataset_tools.manifests.other_forms import OtherForms
from dataset_tools.manifests.packed_rows import PackedRows
from dataset_tools.manifests.places import ONLY_WITHIN, Within
from dataset_tools.manifests.row_errors import checked_row, unknown_key
from dataset_tools.manifests.schema import ManifestRow

_READERS = {
    ".json": json_rows,
    ".jsonl": json_line_rows,
    ".ndjson": json_line_rows,
    ".csv": csv_rows,
    ".tsv": csv_rows,
}
SUFFIXES = tuple(_READERS)
FOLDER_HINT = "Nothing was read. What all photographs share stands in [manifest.defaults] of lorawrap.toml."


@dataclass(frozen=True)
class Manifest:
    """The rows of one manifest; ``root`` is the folder that their paths are relative to."""

    root: Path
    rows: Sequence[ManifestRow]
    source: Path

    def image_path(self, row: ManifestRow) -> Path:
        return self.root / row.image

    def mask_path(self, row: ManifestRow) -> Path | None:
        return None if row.mask is None else self.root / row.mask


def read_manifest(path: Path, defaults: Mapping[str, Any] | None = None) -> Manifest:
    """Read and check a file of one of `SUFFIXES` or a folder; ``defaults`` fill what a row leaves out.

    UserError names every wrong row with file and row, and every image and mask that is not there.
    """
    problems = CountedProblems()
    root = path if path.is_dir() else path.parent
    rows = _checked_rows(path, root, defaults or {}, problems)
    rows.tell_repeated(problems)
    mend = FOLDER_HINT if path.is_dir() else "Nothing was read: mend the manifest and try again."
    problems.raise_if_any(str(path), mend)
    if not rows:
        raise UserError(f"{path}: no images in it", "A manifest needs at least one row.")
    return Manifest(root, rows, path)


def _raw_rows(path: Path, problems: Problems) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if path.is_dir():
        return kohya_rows(path, problems) if is_kohya_tree(path) else folder_rows(path, problems)
    reader = _READERS.get(path.suffix.lower())
    if reader:
        return reader(path, problems)
    raise UserError(f"{path}: {'not a' if path.exists() else 'no such'} manifest", KINDS_HINT)


def _checked_rows(path: Path, root: Path, defaults: Mapping[str, Any], problems: Problems) -> PackedRows:
    for key in (key for key in defaults if key not in ManifestRow.model_fields):
        problems.add("manifest defaults", *unknown_key(key))
    defaults = {key: value for key, value in defaults.items() if key in ManifestRow.model_fields}
    rows, files = PackedRows(), _Files(root, problems)
    for where, values in _raw_rows(path, problems):
        row = checked_row(where, {**defaults, **values}, problems)
        if row is not None:
            rows.append(where, files.found(where, row))
    return rows


class _Files:
    """The files that rows name: each has to lie below ``root``."""

    def __init__(self, root: Path, problems: Problems) -> None:
        self._root, self._problems = root, problems
        self._within, self._others = Within(root), OtherForms(root)

    def found(self, where: str, row: ManifestRow) -> ManifestRow:
        """``row`` with its files' names as the disk spells them; a problem for each that is not there."""
        named = {"image": row.image, "mask": row.mask}
        spelt = {kind: self._find(where, kind, name) for kind, name in named.items() if name is not None}
        changed = {kind: name for kind, name in spelt.items() if name != named[kind]}
        return row.model_copy(update=changed) if changed else row

    def _find(self, where: str, kind: str, name: str) -> str:
        if not os.path.isfile(self._root / name):  # noqa: PTH113 - False for a name that no file can have
            other = self._others.find(name)
            if other is None or not os.path.isfile(self._root / other):  # noqa: PTH113
                near = self._others.nearly(name)
                hint = f"There is '{near}': letter case counts." if near else ""
                self._problems.add(where, f"no {kind} '{name}' in {self._root}", hint)
                return name
            name = other
        if not self._within.has(self._root / name):
            text = f"the {kind} '{name}' is a link that leads out of {self._root}"
            self._problems.add(where, text, ONLY_WITHIN)
        return name
