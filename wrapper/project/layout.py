"""Every path of a project and of a run, named in one place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROJECT_FILE = "lorawrap.toml"
STAGES = ("stage_a", "stage_b")


@dataclass(frozen=True)
class RunPaths:
    """Where one stage's run keeps what it is made of. ``folder`` is ``runs/<stage>``."""

    folder: Path

    @property
    def output(self) -> Path:
        """What the trainer writes: checkpoints and states, before they are verified."""
        return self.folder / "output"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    @property
    def events(self) -> Path:
        """JSON lines ``{"step", "steps", "loss", "elapsed_s"}`` parsed from the log."""
        return self.folder / "events.jsonl"

    @property
    def record(self) -> Path:
        """``run.json``: command, environment, versions, hashes, verdict."""
        return self.folder / "run.json"

    @property
    def tensorboard(self) -> Path:
        return self.folder / "tensorboard"


@dataclass(frozen=True)
class ProjectPaths:
    """Everything below the project's folder ``root``."""

    root: Path

    @property
    def file(self) -> Path:
        return self.root / PROJECT_FILE

    @property
    def qc(self) -> Path:
        return self.root / "qc"

    @property
    def dataset(self) -> Path:
        return self.root / "dataset"

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def loras(self) -> Path:
        """Verified LoRA files, published after a run."""
        return self.root / "loras"

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def evaluation(self) -> Path:
        return self.root / "evaluation.json"

    @property
    def export(self) -> Path:
        return self.root / "export"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def cache(self) -> Path:
        return self.root / ".lorawrap"

    def train_toml(self, stage: str) -> Path:
        return self.config / f"{stage}_train.toml"

    def dataset_toml(self, stage: str) -> Path:
        return self.config / f"{stage}_dataset.toml"

    def run(self, stage: str) -> RunPaths:
        return RunPaths(self.root / "runs" / stage)

    def lora(self, stage: str, name: str) -> Path:
        return self.loras / f"{name}_{stage}.safetensors"
