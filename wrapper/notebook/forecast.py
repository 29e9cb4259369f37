"""What a training would be, in plain words, before it begins.

``python -m wrapper.notebook.forecast PROJECT CARD`` tells it of every stage.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.data_text import from_json, from_toml
from dataset_tools.errors import UserError
from dataset_tools.pictures.buckets import Buckets
from dataset_tools.wording import count_of
from wrapper.kohya.steps import DatasetUse, ImageUse, count_steps
from wrapper.launch.stages import stages_of
from wrapper.project.load import Project, load_project
from wrapper.runs.record import read_record

if TYPE_CHECKING:
    from dataset_tools.building.dataset import BuiltDataset

SECONDS_AN_IMAGE = {"RTX 3060": 2.4, "RTX 3090": 1.23, "T4": 3.5, "L4": 1.5, "A100": 0.5, "H100": 0.35}
"""SDXL at 1024 px, with gradient checkpointing. The first two were reported for Kohya's trainer (kohya_ss
issue 1288); the others are set beside them by the cards' published figures, and are rough."""
SD15_SHARE = 0.2
"""Of SDXL's time: an image of 512 px on SD 1.5."""
ROUGH = (0.6, 1.7)
"""A forecast by the card's name is told as a range as wide as this."""


@dataclass(frozen=True)
class Forecast:
    """One stage. ``photographs`` and ``class_images`` are an epoch's, repeats counted."""

    title: str
    photographs: int
    class_images: int
    batch: int
    steps: int
    save_every_epochs: int
    seconds: tuple[float, float] | None
    accumulation: int = 1
    """Batches a step."""

    @property
    def steps_an_epoch(self) -> int:
        return steps_an_epoch(self.photographs + self.class_images, self.batch, self.accumulation)

    @property
    def epochs(self) -> int:
        return math.ceil(self.steps / self.steps_an_epoch)

    @property
    def checkpoints(self) -> int:
        """The last one counts too."""
        return max(1, math.ceil(self.epochs / self.save_every_epochs)) if self.save_every_epochs else 1

    def words(self) -> str:
        """``Stage A: 300 steps …``, a sentence each for steps, epochs, checkpoints and time."""
        and_class = f" and {self.class_images} class images" if self.class_images else ""
        return (
            f"{self.title}: {self.steps} steps of {count_of(self.batch, 'picture')}. "
            f"An epoch shows {count_of(self.photographs, 'photograph')}{and_class}, repeats counted: "
            f"{count_of(self.steps_an_epoch, 'step')}, so {count_of(self.epochs, 'epoch')}. "
            f"{count_of(self.checkpoints, 'checkpoint')} will be kept. {self._time()}"
        )

    def _time(self) -> str:
        if self.seconds is None:
            return "How long it takes is told after the first steps."
        low, high = (duration(seconds) for seconds in self.seconds)
        return f"About {low}, as the last run here went." if low == high else f"Very roughly {low} to {high}."


def duration(seconds: float) -> str:
    """``80 seconds``, ``25 minutes``, ``3.5 hours``."""
    if seconds < 90:
        return count_of(max(1, round(seconds)), "second")
    minutes = seconds / 60
    return f"{minutes:.0f} minutes" if minutes < 90 else f"{minutes / 60:.1f} hours"


def forecasts(project: Project, card: str = "") -> list[Forecast]:
    """Every enabled stage, from the plan of its dataset; nothing is built or drawn for it."""
    from wrapper.steps.dataset import plan_dataset

    built = plan_dataset(project, generate=False).built
    return [_forecast(project, stage, built, card) for stage in stages_of(project.settings, "all")]


def _forecast(project: Project, stage: str, built: BuiltDataset, card: str) -> Forecast:
    from wrapper.base_model.detect import resolve
    from wrapper.kohya.render import render

    inpaint = stage == "stage_b"
    base = resolve(project.base(inpaint=inpaint), inpaint, project.paths.cache)
    rendered = render(stage, project.settings, project.paths, built, base)
    train = _flat(from_toml(rendered.train_toml))
    batch = _batch(from_toml(rendered.dataset_toml)) or int(train.get("train_batch_size", 1))
    uses = sum(one.images * one.num_repeats for one in built.stages[stage] if not one.is_reg)
    regularised = stage == "stage_a" and project.settings.regularisation.source != "none"
    accumulation = int(train.get("gradient_accumulation_steps", 1))
    steps = _steps(train, steps_an_epoch(uses * (1 + regularised), batch, accumulation))
    pace = _seconds(project, stage, card, base.kind, batch)
    return Forecast(
        {"stage_a": "Stage A", "stage_b": "Stage B"}[stage],
        uses,
        uses if regularised else 0,
        batch,
        steps,
        int(train.get("save_every_n_epochs", 0)),
        pace and (pace[0] * steps, pace[1] * steps),
        accumulation,
    )


def steps_an_epoch(uses: int, batch: int, accumulation: int) -> int:
    """As sd-scripts counts those of images that are all of one size."""
    square = DatasetUse([ImageUse((64, 64), uses)], Buckets((64, 64)), batch)
    return max(1, count_steps([square], accumulation=accumulation).steps_per_epoch)


def _flat(page: dict[str, Any]) -> dict[str, Any]:
    """Kohya's sections count for nothing."""
    return {key: value for table in page.values() for key, value in table.items()}


def _batch(page: dict[str, Any]) -> int:
    return int(next((table["batch_size"] for table in page["datasets"] if "batch_size" in table), 0))


def _steps(train: dict[str, Any], steps_an_epoch: int) -> int:
    epochs = int(train.get("max_train_epochs", 0))
    return epochs * steps_an_epoch if epochs else int(train.get("max_train_steps", 1600))


def _seconds(project: Project, stage: str, card: str, kind: str, batch: int) -> tuple[float, float] | None:
    """Seconds a step, from least to most: as the stage's last run went, else by the card's name."""
    if measured := _measured(project, stage):
        return measured, measured
    known = [seconds for name, seconds in SECONDS_AN_IMAGE.items() if name in card]
    if not known:
        return None
    step = known[0] * batch * (SD15_SHARE if kind == "sd15" else 1.0)
    return step * ROUGH[0], step * ROUGH[1]


def _measured(project: Project, stage: str) -> float:
    """Seconds a step of the newest run that got anywhere on this machine; 0 without one."""
    import platform

    for run in reversed([one for one in project.paths.all_runs() if one.stage == stage]):
        here = read_record(run.record).get("process", {}).get("host") == platform.node()
        lines = run.events.read_text(encoding="utf-8").splitlines() if here and run.events.is_file() else []
        events = [event for event in map(from_json, lines) if event["elapsed_s"] and event["step"] > 1]
        if events:
            return float(events[-1]["elapsed_s"]) / int(events[-1]["step"])
    return 0.0


def main() -> int:
    folder, card = sys.argv[1:]
    try:
        project = load_project(Path(folder))
        for found in forecasts(project, card):
            print(found.words())
    except UserError as error:
        print(f"{error.message}\n  → {error.hint}", file=sys.stderr)
        return 2
    asked = project.settings.regularisation
    if asked.source == "generate" and project.settings.stage_a.enabled:
        print(f"Before, the base model draws {asked.count or 'the'} class images; after, pictures are drawn.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
