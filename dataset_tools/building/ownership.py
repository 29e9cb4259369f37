"""Which files of a dataset folder a build wrote, so that no build removes anyone else's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from dataset_tools.building.dataset import RECORD_FILE
from dataset_tools.errors import Problems, UserError
from dataset_tools.files import content_hash, write_json

OWNERSHIP_FILE = "written.json"
"""Path → SHA-256 of every file that the build wrote."""
CACHE_SUFFIXES = frozenset((".npz", ".safetensors"))
"""Files that trainers leave beside the images; they may go."""
HINT = (
    "Move them out of the folder first. Captions of your own belong into the manifest, or beside the "
    "photographs with captions.source = 'files'; more images belong into the manifest."
)


def write_ownership(folder: Path) -> None:
    """Note every file in ``folder`` as the build's own."""
    write_json(folder / OWNERSHIP_FILE, {name: content_hash(folder / name) for name in _files(folder)})


def written_files(folder: Path, part: str = "") -> list[Path]:
    """The files that a build wrote into ``folder``, or only those below ``part``; none before a build."""
    if not (folder / OWNERSHIP_FILE).is_file():
        return []
    return [folder / name for name in sorted(_owned(folder)) if not part or name.startswith(f"{part}/")]


def refuse_to_lose(folder: Path, sources: Iterable[Path]) -> None:
    """Raise `UserError` when replacing ``folder`` would lose a file that a build did not write.

    That is: a photograph that the build reads, a file that someone added, one that someone edited.
    """
    if not folder.exists():
        return
    inside = folder.resolve()
    if not inside.is_dir():
        raise UserError(f"{folder}: the dataset's folder cannot be made, a file is in its place.")
    if any(inside in source.resolve().parents for source in sources):
        raise UserError(f"{folder}: the photographs lie in the dataset's own folder.", "Move them elsewhere.")
    if not any(folder.iterdir()):
        return
    if not (folder / RECORD_FILE).is_file():
        raise UserError(f"{folder}: not a dataset that was built here; it would be replaced.", HINT)
    _refuse_changes(folder)


def _refuse_changes(folder: Path) -> None:
    problems = Problems()
    owned = _owned(folder)
    for name in _files(folder):
        if name == OWNERSHIP_FILE or Path(name).suffix in CACHE_SUFFIXES:
            continue
        if name not in owned:
            problems.add(folder / name, "was added by someone; a new build would remove it.")
        elif content_hash(folder / name) != owned[name]:
            problems.add(folder / name, "was edited; a new build would undo that.")
    problems.raise_if_any(hint=HINT)


def _owned(folder: Path) -> dict[str, str]:
    path = folder / OWNERSHIP_FILE
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read, so it is not known whose files lie here.", HINT) from error


def _files(folder: Path) -> Iterator[str]:
    return (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
