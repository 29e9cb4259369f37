"""What a killed build left beside the dataset: half a new one, or the one that was being replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dataset_tools.building.dataset import RECORD_FILE
from dataset_tools.building.ownership import OWNERSHIP_FILE
from dataset_tools.files import is_in_use
from dataset_tools.system.moving import move, remove_tree


def clear_leftovers(folder: Path) -> None:
    """Put back a dataset that was being replaced, and remove the folders that killed builds left.

    Only folders with names that builds give are touched, none of a build that still runs, and of those set
    aside only such as hold a dataset that was built and nothing else.
    """
    if not folder.parent.is_dir():
        return
    for aside in _named(folder, "old"):
        _clear_aside(aside, folder)
    for part in _named(folder, "part"):
        if not is_in_use(part):
            remove_tree(part)


def _named(folder: Path, kind: str) -> Iterator[Path]:
    """The folders that `dataset_tools.files.whole_folder` makes for ``folder``."""
    name = re.compile(rf"\.{kind}-{re.escape(folder.name)}-[a-z0-9_]{{8}}")
    for path in sorted(folder.parent.iterdir()):
        if name.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            yield path


def _clear_aside(aside: Path, folder: Path) -> None:
    before = aside / folder.name
    if any(path != before for path in aside.iterdir()):
        return
    if before.is_dir() and not folder.exists():
        move(before, folder)
    if not before.exists() or all((before / name).is_file() for name in (RECORD_FILE, OWNERSHIP_FILE)):
        remove_tree(aside)
