"""Machines that notebooks run on: this one, and Colab's, which forgets all but the user's Drive."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

STAND_IN = Path(__file__).parent / "colab_stand_in"


@dataclass(frozen=True)
class Colab:
    """``content`` is the machine's own folder, the others are the user's."""

    content: Path
    drive: Path
    uploads: Path
    downloads: Path
    answer: Path

    @property
    def environment(self) -> dict[str, str]:
        mine = {
            "DRIVE": self.drive,
            "UPLOADS": self.uploads,
            "DOWNLOADS": self.downloads,
            "ANSWER": self.answer,
        }
        told = {f"COLAB_{name}": str(path) for name, path in mine.items()}
        return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(STAND_IN), **told}

    @property
    def loras(self) -> Path:
        return self.drive / "My Drive" / "Loras"

    def forget(self) -> None:
        """The machine is taken away; the next one has nothing."""
        shutil.rmtree(self.content)
        self.content.mkdir()


@pytest.fixture
def colab(tmp_path: Path) -> Colab:
    machine = Colab(*(tmp_path / name for name in ("content", "drive", "uploads", "downloads", "answer.txt")))
    for folder in (machine.content, machine.uploads, machine.downloads):
        folder.mkdir()
    return machine


@pytest.fixture
def this_machine(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder 📷"
    folder.mkdir()
    return folder


@pytest.fixture
def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def stamps() -> Callable[[Path], dict[str, int]]:
    """When each picture, LoRA and state below a folder was written."""

    def of(folder: Path) -> dict[str, int]:
        kept = (".safetensors", ".png", ".toml")
        found = (path for path in folder.rglob("*") if path.suffix in kept and "grid" not in path.name)
        return {str(path): path.stat().st_mtime_ns for path in found}

    return of
