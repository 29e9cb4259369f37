"""``run.json``: what was run, with what, on what, and how it ended."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dataset_tools.files import content_hash, data_hash, write_json
from wrapper import __version__
from wrapper.launch.command import Command

PACKAGES = (
    "torch",
    "diffusers",
    "transformers",
    "peft",
    "accelerate",
    "safetensors",
    "bitsandbytes",
    "xformers",
)
ENVIRONMENT = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "PYTORCH_CUDA_ALLOC_CONF", "LORAWRAP_SD_SCRIPTS")
"""What of the environment matters to a run, beside what the command sets itself; no secrets."""
_MODEL_FILES = (".safetensors", ".json", ".txt", ".bin")


class RunRecord:
    """The record of one run; every change is written at once, so that a killed run has one too."""

    def __init__(self, path: Path, facts: Mapping[str, Any]) -> None:
        self.path = path
        self.facts: dict[str, Any] = {**facts, "status": "running", "started": now()}
        self._write()

    def end(self, status: str, **facts: Any) -> None:
        """``status`` is ``succeeded``, ``failed`` or ``interrupted``."""
        self.facts |= {"status": status, "ended": now(), **facts}
        self._write()

    def _write(self) -> None:
        write_json(self.path, self.facts)


def command_facts(command: Command) -> dict[str, Any]:
    """The command as it can be run again, and the environment that it sees."""
    seen = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return {"command": list(command.argv), "shell": command.shell(), "env": {**seen, **command.env}}


def versions() -> dict[str, str]:
    """Versions of Python, of this program and of the packages that train."""
    found = {"lorawrap": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def model_hash(path: Path) -> str:
    """SHA-256 of a single file, or of the names and contents of a diffusers folder's files."""
    if path.is_file():
        return content_hash(path)
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.suffix in _MODEL_FILES)
    return data_hash([(file.relative_to(path).as_posix(), content_hash(file)) for file in files])


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
