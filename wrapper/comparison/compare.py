"""A comparison, acted out: the model is loaded once, each missing picture drawn, all of them shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from dataset_tools.errors import RunFailed
from dataset_tools.progress import Bar, progress
from dataset_tools.wording import count_of
from wrapper.comparison.album import Album, is_of
from wrapper.comparison.plan import Plan, rescalings, swaps
from wrapper.comparison.subject import Subject, check_looks
from wrapper.diffusion.pictures.infotext import Infotext
from wrapper.diffusion.pictures.model_hash import start_hashing
from wrapper.diffusion.pipelines.opening import check_fit, open_pipeline
from wrapper.lora.fitting import check_fits
from wrapper.lora.swapping import Swapper


@dataclass(frozen=True)
class Comparison:
    """What is compared, how it is drawn, and where its pictures go."""

    subject: Subject
    plan: Plan
    album: Album

    @cached_property
    def told(self) -> dict[str, Infotext]:
        """The parameters of every cell by name, in the order of the work."""
        return {name: self.subject.told(look) for name, look in self.plan.cells.items()}

    @cached_property
    def missing(self) -> list[str]:
        """The cells that are yet to be drawn. The base is not hashed for an empty folder."""
        files = {name: self.album.picture(name) for name in self.plan.cells}
        there = {name for name, path in files.items() if path.is_file() and is_of(path, self.told[name])}
        return [name for name in files if name not in there]

    def check(self) -> None:
        """Raise `UserError` for everything that shows before the model is loaded."""
        looks = list(self.plan.cells.values())
        check_looks(self.subject, looks)
        check_fits(self.subject.means.info, [path for look in looks for path in look.files])
        check_fit(self.subject.means.info, self.subject.means.conditions)
        self.album.check(self.plan.cells)


@dataclass(frozen=True)
class Forecast:
    """What is yet to do: pictures, LoRA files put in, weights set anew, calls of the U-Net."""

    pictures: int
    there: int
    swaps: int
    rescalings: int
    steps: int

    def line(self) -> str:
        parts = [
            count_of(self.pictures, "picture") + " to draw",
            f"{self.there} there already" if self.there else "",
            count_of(self.swaps, "LoRA swap"),
            count_of(self.rescalings, "new weight") if self.rescalings else "",
            count_of(self.steps, "step"),
        ]
        return ", ".join(part for part in parts if part)


def forecast(comparison: Comparison) -> Forecast:
    """What `compare` would do now."""
    missing = comparison.missing
    looks = [comparison.plan.cells[name] for name in missing]
    return Forecast(
        pictures=len(missing),
        there=len(comparison.plan.cells) - len(missing),
        swaps=swaps(looks),
        rescalings=rescalings(looks),
        steps=sum(map(comparison.subject.steps, looks)),
    )


@dataclass
class Outcome:
    """How many pictures were drawn, and why others could not be, by name."""

    drawn: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def draw_missing(comparison: Comparison) -> Outcome:
    """Draw what is not there yet, each picture written at once. Raises `UserError` before it loads.

    A picture that the model cannot draw (an overflow, the safety checker) does not stop the others.
    """
    outcome, missing = Outcome(), comparison.missing
    if not missing:
        return outcome
    means = comparison.subject.means
    start_hashing(means.info.path)
    pipeline = open_pipeline(means.info, comparison.subject.task, (), means.conditions, means.placement)
    swapper = Swapper(pipeline)
    with progress("compare", forecast(comparison).steps) as bar:
        for name in missing:
            try:
                _draw(comparison, name, swapper, bar)
                outcome.drawn += 1
            except RunFailed as error:
                outcome.failed[name] = error.message
    return outcome


def _draw(comparison: Comparison, name: str, swapper: Swapper, bar: Bar) -> None:
    look, path = comparison.plan.cells[name], comparison.album.picture(name)
    swapper.use(look.loras)
    comparison.subject.paint(swapper.pipeline, look, path, lambda: bar.advance(note=name))
