"""As much of ``winreg`` as tells whether long paths are on: as ``PLAYED_LONG_PATHS`` says, else they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

HKEY_LOCAL_MACHINE = object()
SWITCH = "PLAYED_LONG_PATHS"


@contextmanager
def OpenKey(_key: object, path: str) -> Iterator[str]:  # noqa: N802 - Windows' own name
    yield path


def QueryValueEx(key: str, name: str) -> tuple[int, int]:  # noqa: N802 - Windows' own name
    if not key.endswith("FileSystem") or name != "LongPathsEnabled" or os.environ.get(SWITCH) == "absent":
        raise FileNotFoundError(2, "The system cannot find the file specified")
    return int(os.environ.get(SWITCH, "1")), 4
