"""Which files of a dataset folder a build wrote, so that no build removes anyone else's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from dataset_tools.building.dataset import RECORD_FILE
from dataset_tools.building.written_files import Written, WrittenFiles
from dataset_tools.data_text import from_json
from dataset_tools.errors import Problems, UserError
from dataset_tools.files import content_hash, text_file
from dataset_tools.system.left_by_systems import is_systems_own

OWNERSHIP_FILE = "written.json"
"""Path → `Written` of every file that the build wrote."""
CACHE_SUFFIXES = frozenset((".npz", ".safetensors"))
"""Files that trainers leave beside the images; they may go."""
HINT = (
    "Move them out of the folder first. Captions of your own belong into the manifest, or beside the "
    "photographs with captions.source = 'files'; more images belong into the manifest."
)


def write_ownership(folder: Path, files: Iterable[tuple[str, Written]] | None = None) -> None:
    """Note ``files`` as the build's own, every file in ``folder`` when they are not given."""
    if files is None:
        files = ((name, noted(folder / name)) for name in sorted(_files(folder)))
    with text_file(folder / OWNERSHIP_FILE) as stream:
        before = "{"
        for name, written in files:
            stream.write(f"{before}\n{json.dumps(name, ensure_ascii=False)}: {json.dumps(written)}")
            before = ","
        stream.write("\n}\n")


def noted(path: Path, recipe: str = "", sha256: str = "") -> Written:
    """A file as it is now; it is read only when its ``sha256`` is not known."""
    status = path.stat()
    return Written(sha256 or content_hash(path), status.st_size, status.st_mtime_ns, recipe)


def written_files(folder: Path, part: str = "") -> list[Path]:
    """The files that a build wrote into ``folder``, or only those below ``part``; none before a build."""
    if not (folder / OWNERSHIP_FILE).is_file():
        return []
    return [folder / name for name in sorted(_owned(folder)) if not part or name.startswith(f"{part}/")]


def earlier_files(folder: Path, sources: Iterable[Path]) -> WrittenFiles:
    """What the build before left in ``folder``, every file as it was written; nothing before the first.

    Raises `UserError` when replacing ``folder`` would lose a file that a build did not write. That is: a
    photograph that the build reads, a file that someone added, one that someone edited.
    """
    if not folder.exists():
        return WrittenFiles()
    inside = folder.resolve()
    if not inside.is_dir():
        raise UserError(f"{folder}: the dataset's folder cannot be made, a file is in its place.")
    if any(source.resolve().is_relative_to(inside) for source in sources):
        raise UserError(f"{folder}: the photographs lie in the dataset's own folder.", "Move them elsewhere.")
    if not any(folder.iterdir()):
        return WrittenFiles()
    if not (folder / RECORD_FILE).is_file():
        raise UserError(f"{folder}: not a dataset that was built here; it would be replaced.", HINT)
    return _unchanged(folder)


def _unchanged(folder: Path) -> WrittenFiles:
    problems, owned = Problems(), _owned(folder)
    there = bytearray(len(owned))
    for name in _files(folder):
        if name == OWNERSHIP_FILE or Path(name).suffix in CACHE_SUFFIXES:
            continue
        number = owned.number(name)
        if number is None:
            problems.add(folder / name, "was added by someone; a new build would remove it.")
        elif not _is_as_written(folder / name, owned.written(number)):
            problems.add(folder / name, "was edited; a new build would undo that.")
        else:
            there[number] = True
    problems.raise_if_any(hint=HINT)
    return owned if all(there) else owned.only(there.__getitem__)


def _is_as_written(path: Path, written: Written) -> bool:
    """A file of the same size and time is not read: 100,000 of them are looked through in seconds."""
    status = path.stat()
    if (status.st_size, status.st_mtime_ns) == (written.size, written.mtime_ns):
        return True
    return content_hash(path) == written.sha256


def _owned(folder: Path) -> WrittenFiles:
    path = folder / OWNERSHIP_FILE
    try:
        with path.open(encoding="utf-8") as stream:
            return WrittenFiles(_entries(stream))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path}: cannot be read, so it is not known whose files lie here.", HINT) from error


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, Written]]:
    """Line by line, as they were written. A build of an earlier version noted a file's hash alone."""
    line = ""
    for line in map(str.strip, lines):
        if line not in ("{", "}"):
            ((name, said),) = from_json(f"{{{line.rstrip(',')}}}").items()
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise ValueError(f"{name} lies elsewhere")
            yield name, Written(said) if isinstance(said, str) else Written(*said)
    if line != "}":
        raise ValueError("cut short")


def _files(folder: Path) -> Iterator[str]:
    for where, folders, names in os.walk(folder):
        folders.sort()
        inside = Path(where).relative_to(folder).as_posix()
        ours = (name for name in sorted(names) if not is_systems_own(name))
        yield from (name if inside == "." else f"{inside}/{name}" for name in ours)
