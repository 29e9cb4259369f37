"""Places outside of any project: the shipped folders, and the user's cache."""

from __future__ import annotations

import os
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
