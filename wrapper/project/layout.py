"""Every path of a project and of a run, named in one place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PROJECT_FILE, CACHE = "lorawrap.toml", ".lorawrap"
STAGES = ("stage_a", "stage_b")
_RUN = re.compile(r"(?P<stage>stage_[ab])-(?P<number>\d+)")
_OLD_RUN = re.compile(r"(?P<stage>stage_[ab])(?:\.\d+)?")


@dataclass(frozen=True)
class RunPaths:
    """Where one run keeps what it is made of. ``folder`` is ``runs/<stage>-<number>``, never renamed."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def stage(self) -> str:
        """The stage that the folder's name says."""
        found = _RUN.fullmatch(self.id) or _OLD_RUN.fullmatch(self.id)
        return found["stage"] if found else ""

    @property
    def train_toml(self) -> Path:
        """The training file that the trainer was given."""
        return self.folder / "train.toml"

    @property
    def dataset_toml(self) -> Path:
        return self.folder / "dataset.toml"

    @property
    def origins(self) -> Path:
        """``origins.json``: every setting, and where it came from."""
        return self.folder / "origins.json"

    @property
    def inputs(self) -> Path:
        """``inputs.json``: hashes of the base, the starting weights, images, masks and captions."""
        return self.folder / "inputs.json"

    @property
    def curve(self) -> Path:
        return self.folder / "loss.svg"

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
    """Everything below the project's folder ``root``.

    QC and dataset may be those of another project, whose folder is ``lender``.
    """

    root: Path
    lender: Path | None = None

    @property
    def owner(self) -> Path:
        """The folder of the project that QC and dataset belong to: mostly this one."""
        return self.lender or self.root

    @property
    def roots(self) -> tuple[Path, ...]:
        """Where all that belongs to the project lies, its own folder first."""
        return (self.root, self.lender) if self.lender else (self.root,)

    @property
    def file(self) -> Path:
        return self.root / PROJECT_FILE

    @property
    def qc(self) -> Path:
        return self.owner / "qc"

    @property
    def dataset(self) -> Path:
        return self.owner / "dataset"

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
        return self.root / CACHE

    @property
    def shared_cache(self) -> Path:
        """What is kept by its contents, for all projects with one dataset."""
        return self.owner / CACHE

    def train_toml(self, stage: str) -> Path:
        return self.config / f"{stage}_train.toml"

    def dataset_toml(self, stage: str) -> Path:
        return self.config / f"{stage}_dataset.toml"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    def run(self, stage: str) -> RunPaths:
        """The newest run of ``stage``, or the one that would be its first."""
        numbers = self._numbers(stage)
        if numbers:
            return self._run(stage, max(numbers))
        old = self.runs / stage
        return RunPaths(old) if old.is_dir() else self._run(stage, 1)

    def next_run(self, stage: str) -> RunPaths:
        """Where the next run of ``stage`` goes: one past the newest."""
        return self._run(stage, max(self._numbers(stage), default=0) + 1)

    def all_runs(self) -> list[RunPaths]:
        """Every run, by stage and number; folders of before runs had numbers come first."""
        names = [name for name in _names(self.runs) if RunPaths(Path(name)).stage]
        return [RunPaths(self.runs / name) for name in sorted(names, key=_order)]

    def _run(self, stage: str, number: int) -> RunPaths:
        return RunPaths(self.runs / f"{stage}-{number:03d}")

    def _numbers(self, stage: str) -> list[int]:
        found = (_RUN.fullmatch(name) for name in _names(self.runs))
        return [int(match["number"]) for match in found if match and match["stage"] == stage]

    def lora(self, stage: str, name: str) -> Path:
        return self.loras / f"{name}_{stage}.safetensors"


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def _order(name: str) -> tuple[str, bool, int]:
    numbered = _RUN.fullmatch(name)
    stage, _, aside = name.partition(".")
    if numbered:
        return numbered["stage"], True, int(numbered["number"])
    return stage, False, -int(aside or 0)
