"""The checkpoint that stands for a stage: the chosen one while ``choice.json`` holds, else the last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.files import content_hash
from wrapper.project.layout import ProjectPaths
from wrapper.records import in_form, read_json

FILE = "choice.json"
VOID = "choice.json is void: {}. The last is taken; choose again with `lorawrap evaluate --choose`."


@dataclass(frozen=True)
class Taken:
    """The checkpoint that stands for a stage; ``why`` is a sentence about it, ``chosen`` by measurement."""

    path: Path
    title: str
    why: str
    chosen: bool


def taken_checkpoint(
    paths: ProjectPaths, name: str, stage: str, digest: Callable[[Path], str] = content_hash
) -> Taken:
    """The chosen checkpoint while the choice holds, else the last LoRA, and the reason.

    ``digest`` gives a file's SHA-256.
    """
    with in_form(paths.root / FILE):
        return _taken(paths, name, stage, digest)


def _taken(paths: ProjectPaths, name: str, stage: str, digest: Callable[[Path], str]) -> Taken:
    last = paths.lora(stage, name)
    record = read_json(paths.root / FILE)
    data = record["stages"].get(stage) if record else None
    if data is None:
        return Taken(last, "the last", "", chosen=False)
    void = _void(paths, last, record or {}, data, digest)
    if void:
        why = (
            f"choice.json is void: {void}. The last checkpoint is taken; `lorawrap evaluate --choose` again."
        )
        return Taken(last, "the last", why, chosen=False)
    chosen = data["chosen"]
    return Taken(paths.root / chosen["file"], chosen["title"], data["why"], chosen=True)


def _void(
    paths: ProjectPaths,
    last: Path,
    record: Mapping[str, Any],
    data: Mapping[str, Any],
    digest: Callable[[Path], str],
) -> str:
    """Why the choice does not hold any more; empty while it does."""
    for told, what in (
        (data["last"], "the LoRA was trained anew"),
        (data["chosen"], "the chosen file changed"),
    ):
        path = paths.root / told["file"]
        if not path.is_file():
            return f"{told['file']} is gone"
        if digest(path) != told["sha256"]:
            return f"{what} ({path.name})"
    if paths.root / data["last"]["file"] != last:
        return f"it is about {data['last']['file']}"
    dataset = read_json(paths.dataset / "dataset.json")
    if dataset is None or dataset.get("key") != record.get("dataset_key"):
        return "the dataset, and perhaps what is held out, was built anew"
    return ""
