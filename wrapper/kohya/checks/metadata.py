"""Subsets whose images and captions are listed in a metadata file (``FineTuningDataset`` of sd-scripts)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.errors import UserError
from dataset_tools.pictures.buckets import Size
from dataset_tools.wording import some
from wrapper.kohya.report import Findings
from wrapper.kohya.steps import ImageUse
from wrapper.kohya.subsets import SubsetView

Entries = dict[str, dict[str, Any]]


def check_metadata(views: Sequence[SubsetView], findings: Findings) -> dict[int, list[ImageUse]]:
    """Check every metadata subset; returns what is used of each dataset, for the step count."""
    uses: dict[int, list[ImageUse]] = {}
    seen: dict[tuple[int, str], SubsetView] = {}
    for view in views:
        name = str(view.get("metadata_file"))
        first = seen.setdefault((view.dataset, name), view)
        if first is not view:
            text = f"the same metadata file as at {first.where('metadata_file')}: sd-scripts ignores it here."
            findings.error(view.where("metadata_file"), text)
            continue
        uses.setdefault(view.dataset, []).extend(_uses(view, Path(name), findings))
    return uses


def _uses(view: SubsetView, path: Path, findings: Findings) -> list[ImageUse]:
    where = view.where("metadata_file")
    if view.repeats < 1:
        findings.error(where, f"'num_repeats' is {view.repeats}: sd-scripts ignores the subset.")
        return []
    try:
        entries = read_metadata(path)
    except UserError as error:
        findings.error(where, error.message, error.hint)
        return []
    if not entries:
        findings.error(where, f"{path} lists no images.")
    _check_captions(view, entries, findings)
    sizes = _sizes(view, entries, findings)
    return [ImageUse(size, view.repeats) for size in sizes]


def read_metadata(path: Path) -> Entries:
    """``{image: {caption, tags, image_size}}`` from JSON, or JSON lines where the name ends in ``.jsonl``."""
    if not path.is_file():
        raise UserError(f"there is no metadata file {path}.")
    try:
        text = bounded_text(path, most_bytes=1 << 30)
        found = _lines(text) if path.suffix == ".jsonl" else from_json(text)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no metadata file: {type(error).__name__}: {error}.") from error
    if not isinstance(found, dict) or not all(isinstance(entry, dict) for entry in found.values()):
        raise UserError(f"{path} is no metadata file: it must be an object of objects.")
    return found


def _lines(text: str) -> Entries:
    return {(entry := from_json(line))["image_path"]: entry for line in text.removesuffix("\n").split("\n")}


def _check_captions(view: SubsetView, entries: Mapping[str, dict[str, Any]], findings: Findings) -> None:
    bare = [name for name, entry in entries.items() if not entry.get("caption") and not entry.get("tags")]
    if bare:
        text = f"{len(bare)} images have neither a caption nor tags: {some(bare)}."
        findings.error(view.where("metadata_file"), text, "They would be trained on an empty caption.")
    lines = [name for name, entry in entries.items() if "\n" in str(entry.get("caption") or "").strip()]
    if lines and view.get("enable_wildcard") is not True:
        text = f"{len(lines)} captions have more than one line, of which the first is read: {some(lines)}."
        findings.error(view.where("metadata_file"), text)


def _sizes(view: SubsetView, entries: Mapping[str, dict[str, Any]], findings: Findings) -> list[Size]:
    found: list[Size] = []
    missing: list[str] = []
    for name, entry in entries.items():
        path = Path(name) if Path(name).is_absolute() else view.folder / name
        if not Path(name).is_absolute() and view.get("image_dir") is None:
            findings.error(view.where("metadata_file"), f"image_dir is needed to find {name}.")
            return []
        if size := _size(path):
            found.append(tuple(entry["image_size"]) if entry.get("image_size") else size)
        else:
            missing.append(name)
    if missing:
        text = f"{len(missing)} images cannot be read in {view.get('image_dir')}: {some(missing)}."
        findings.error(
            view.where("metadata_file"), text, "Names begin in that folder, and end in their suffix."
        )
    return found


def _size(path: Path) -> Size | None:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
