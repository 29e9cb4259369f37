"""Where sd-scripts is: it is put on the module path."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from inpaint.refusal import RefusedError

VARIABLE, FLAG = "LORAWRAP_SD_SCRIPTS", "--sd_scripts"


def add_to_path(argv: Sequence[str]) -> Path:
    """The folder of ``--sd_scripts``, of ``LORAWRAP_SD_SCRIPTS`` or the current folder; first on the path."""
    folder = find(argv)
    if not (folder / "train_network.py").is_file() or not (folder / "library").is_dir():
        raise RefusedError(f"{folder}: is no checkout of sd-scripts; name one with {FLAG} or {VARIABLE}.")
    sys.path.insert(0, str(folder))
    return folder


def find(argv: Sequence[str]) -> Path:
    """What the command line names, else the environment, else the current folder."""
    words = list(argv)
    for place, word in enumerate(words):
        if word.startswith(f"{FLAG}="):
            return Path(word.split("=", 1)[1]).resolve()
        if word == FLAG and place + 1 < len(words):
            return Path(words[place + 1]).resolve()
    return Path(os.environ.get(VARIABLE) or Path.cwd()).resolve()
