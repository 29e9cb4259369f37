"""What the files of a run are called, as in sd-scripts v0.10.1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class OutputNames:
    """Everything below ``output_dir``. Epochs count from 1."""

    folder: Path
    name: str

    @property
    def last(self) -> Path:
        return self.folder / f"{self.name}.safetensors"

    @property
    def last_state(self) -> Path:
        return self.folder / f"{self.name}-state"

    @property
    def samples(self) -> Path:
        return self.folder / "sample"

    def epoch(self, number: int) -> Path:
        return self.folder / f"{self.name}-{number:06d}.safetensors"

    def epoch_state(self, number: int) -> Path:
        return self.folder / f"{self.name}-{number:06d}-state"

    def step(self, number: int) -> Path:
        return self.folder / f"{self.name}-step{number:08d}.safetensors"

    def step_state(self, number: int) -> Path:
        return self.folder / f"{self.name}-step{number:08d}-state"

    def sample(self, number: int, step: int, seed: int) -> Path:
        return self.samples / f"{self.name}_{step:08d}_{number:02d}_{seed}.png"
