"""Where an installed sd-scripts lies: ``<data folder>/sd-scripts/<tag>/``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from wrapper.places import data_folder

CHECKOUT, PYTHON = "LORAWRAP_SD_SCRIPTS", "LORAWRAP_SD_SCRIPTS_PYTHON"
"""Environment variables that name a checkout of the user's own, and the Python of its environment."""


@dataclass(frozen=True)
class Places:
    """Every path of one installed version."""

    folder: Path

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def env(self) -> Path:
        return self.folder / "env"

    @property
    def python(self) -> Path:
        return self.env / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def options(self) -> Path:
        return self.folder / "options"

    @property
    def record(self) -> Path:
        return self.folder / "install.json"

    @property
    def log(self) -> Path:
        return self.folder / "install.log"


def versions_folder() -> Path:
    return data_folder() / "sd-scripts"


def places_of(tag: str) -> Places:
    """The places of version ``tag``; a branch such as ``feat/x`` becomes ``feat-x``."""
    return Places(versions_folder() / re.sub(r"[^\w.+-]", "-", tag))
