"""How long a path may be: on Windows 259 characters, unless its registry lifts that."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dataset_tools.errors import UserError

MOST_CHARACTERS = 259
"""Of a file's whole path, without the end of the text: Windows' MAX_PATH."""
MOST_OF_A_FOLDER = 247
"""A name as MS-DOS had them has to fit behind it."""
_KEY, _VALUE = r"SYSTEM\CurrentControlSet\Control\FileSystem", "LongPathsEnabled"
HINT = (
    "Work in a folder with a shorter path (C:\\loras), or switch long paths on, as an administrator in "
    f"PowerShell: Set-ItemProperty HKLM:\\{_KEY} {_VALUE} 1"
)


def is_limited() -> bool:
    """Whether this system takes no longer paths."""
    if sys.platform != "win32":
        return False
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _KEY) as key:
            return bool(winreg.QueryValueEx(key, _VALUE)[0] != 1)
    except OSError:  # Windows of before 2016
        return True


def is_too_long(path: object) -> bool:
    """Whether a path that the system did not take may be too long for it."""
    return isinstance(path, str) and len(_absolute(path)) > MOST_OF_A_FOLDER and is_limited()


def check_room(folder: Path, characters: int) -> None:
    """Raise `UserError` where a path below ``folder`` cannot have so many characters more."""
    length = len(_absolute(str(folder)))
    if length + characters > MOST_CHARACTERS and is_limited():
        raise UserError(
            f"{folder}: this folder's path has {length} characters, and files in it get up to {characters} "
            f"more; this Windows takes {MOST_CHARACTERS} together.",
            HINT,
        )


def _absolute(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - Path's raises where the current folder is gone
