"""What systems and network drives put beside a user's files by themselves: no picture, and nobody's work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

FOLDERS = frozenset(
    {
        "__macosx",  # in archives that macOS made
        "@eadir",  # Synology: a folder of thumbnails for each picture
        "#recycle",
        "@recycle",  # QNAP
        "$recycle.bin",
        "system volume information",
        "lost+found",
    }
)
FILES = frozenset(
    {".ds_store", ".localized", "icon\r", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"}
)
SIDE_FILE = "._"
"""What macOS keeps of ``name`` on disks that have no room for it beside, is ``._name`` there."""


def is_systems_own(name: str) -> bool:
    """Whether a file of that name is none of the user's: ``.DS_Store``, ``._1.png``, ``Thumbs.db``."""
    return name.startswith(SIDE_FILE) or name.casefold() in FILES


def is_systems_folder(name: str) -> bool:
    """Whether what lies in a folder of that name is none of the user's: ``@eaDir``, ``__MACOSX``."""
    return name.casefold() in FOLDERS


def visible(paths: Iterable[Path]) -> Iterator[Path]:
    """Those of ``paths`` that are not `is_systems_own`; pathlib's patterns match hidden names as well."""
    return (path for path in paths if not is_systems_own(path.name))


def files_below(folder: Path) -> list[Path]:
    """All files below ``folder`` that are not `is_systems_own`, by name."""
    return sorted(path for path in visible(folder.rglob("*")) if path.is_file())
