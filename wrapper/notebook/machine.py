"""The graphics card of the machine that the kernel runs on, asked without opening CUDA."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from wrapper.kohya.presets import preset_of_card

_ASK = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits")


@dataclass(frozen=True)
class Card:
    name: str
    memory_gib: float

    @property
    def preset(self) -> str:
        """The training preset for its memory."""
        return preset_of_card(self.memory_gib)


def card() -> Card | None:
    """The first NVIDIA card; None without one."""
    try:
        done = subprocess.run(_ASK, capture_output=True, check=False, encoding="utf-8", errors="replace")
    except OSError:
        return None
    first = done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout.strip() else ""
    name, _, memory_mib = first.rpartition(",")
    return Card(name.strip(), float(memory_mib) / 1024) if name else None
