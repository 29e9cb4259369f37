"""Where a path out of a manifest may lead: to a file in the manifest's folder, and nowhere else."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath, PureWindowsPath

_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
"""Names that Windows opens as a device in whatever folder, also with an ending behind them."""
ONLY_WITHIN = "Paths are relative to the manifest's folder and stay in it."


def inner_path(value: str) -> str:
    """``value`` as a relative posix path; ValueError when it leads out of the manifest's folder.

    The rule is the same on every system: what leads out on one of them is refused on all.
    """
    if not value or "\0" in value or not _is_name(value):
        raise ValueError("is not a path")
    plain = PurePosixPath(value).as_posix()
    windows = PureWindowsPath(plain)  # of "./C:/a.png" a drive is left
    rooted = plain.startswith(("/", "\\")) or plain[1:2] == ":" or windows.drive
    if rooted or any(not part.rstrip(". ") for part in windows.parts):
        raise ValueError(f"{value!r} leads out of the manifest's folder; paths are relative to it")
    if any(map(_DEVICES.fullmatch, windows.parts)):
        raise ValueError(f"{value!r} is the name of a device on Windows; rename the file")
    return plain


def _is_name(value: str) -> bool:
    """A file's name may hold bytes that are no UTF-8; half of a character else is none."""
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


class Within:
    """Whether files below ``root`` are there in truth, past all links; each folder is looked at once."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)
        self._folders: dict[str, bool] = {}

    def has(self, path: Path) -> bool:
        """Whether ``path`` lies below the root once its links and its folders' are followed."""
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = self._holds(folder)
        if not self._folders[folder]:
            return False
        return not os.path.islink(path) or self._holds(os.path.join(folder, name))  # noqa: PTH114, PTH118

    def _holds(self, path: str) -> bool:
        real = os.path.realpath(path)
        return real == self._root or real.startswith(os.path.join(self._root, ""))  # noqa: PTH118
