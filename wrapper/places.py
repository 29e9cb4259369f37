"""Places outside of any project: the shipped folders, the user's cache, and what the user has installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped(name: str) -> Path:
    """Folder ``templates`` or ``vendor``, whichever way the project was installed."""
    installed = _PACKAGE / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def cache_folder() -> Path:
    """``LORAWRAP_CACHE_DIR``, else ``lorawrap`` in the user's own cache folder."""
    if named := os.environ.get("LORAWRAP_CACHE_DIR"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lorawrap"


def data_folder() -> Path:
    """``LORAWRAP_DATA_DIR``, else ``lorawrap`` where this system keeps a user's data for programs."""
    if named := os.environ.get("LORAWRAP_DATA_DIR"):
        return Path(named).expanduser().absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "lorawrap"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "lorawrap"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "lorawrap"
