"""Many pictures into one folder: planned as data, then those that are missing drawn, each kept at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import Problems, RunFailed, UserError
from dataset_tools.files import check_place
from dataset_tools.manifests.safety import refuse_negative
from dataset_tools.progress import Bar, progress
from wrapper.diffusion.conditions.conditions import NONE, Conditions
from wrapper.diffusion.pictures.infotext import Infotext
from wrapper.diffusion.pictures.model_hash import start_hashing
from wrapper.diffusion.pictures.ours import is_ours
from wrapper.diffusion.pictures.photograph import Photograph
from wrapper.diffusion.pictures.picture import save_picture
from wrapper.diffusion.pipelines.opening import check_fit, check_lora_files, open_pipeline
from wrapper.diffusion.pipelines.placement import DEFAULT, Placement
from wrapper.diffusion.prompts.editing import check_prompt
from wrapper.diffusion.txt2img.gallery import Place, places
from wrapper.diffusion.txt2img.generate import check_request
from wrapper.diffusion.txt2img.pace import forecast_s, remember
from wrapper.diffusion.txt2img.shot import Shot

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo

SHEET = "sheet.jpg"
SHEET_COLUMNS = 6


@dataclass(frozen=True)
class Shooting:
    """``shots`` with one base and its conditions into ``folder``; ``ending`` is ``.png``, ``.jpg``, …

    ``notes`` say what cannot be as it was in ``source``, the picture that is drawn again.
    """

    info: BaseInfo
    shots: tuple[Shot, ...]
    folder: Path
    ending: str = ".png"
    conditions: Conditions = NONE
    placement: Placement = DEFAULT
    again: bool = False
    notes: tuple[str, ...] = ()
    source: Path | None = None

    def check(self) -> None:
        """Raise one `UserError` for all that shows before the model is loaded."""
        check_lora_files(sorted({use.path for shot in self.shots for use in shot.loras}))
        problems = Problems()
        for shot in self.shots:
            try:
                check_request([shot.prompt], shot.sampling, shot.size, shot.hires)
                refuse_negative(shot.prompt.negative)
                check_prompt(shot.prompt.text)
                check_prompt(shot.prompt.negative)
            except UserError as error:
                where = shot.prompt.text if len(self.shots) > 1 else ""
                problems.add(where, error.message, error.hint)
        _raise(problems)
        check_fit(self.info, self.conditions)
        check_place(self.folder)

    def told(self, position: int) -> Infotext:
        """The parameters of a picture by its place in the order."""
        return self.shots[position].told(self.info, self.conditions)

    @cached_property
    def places(self) -> list[Place]:
        """Where each picture lies or will lie, as it was when this was first asked."""
        seeds = [shot.prompt.seed for shot in self.shots]
        return places(self.folder, seeds, self.told, self.ending, self.source, again=self.again)

    @cached_property
    def missing(self) -> list[int]:
        """Positions that are yet to be drawn, those of equal LoRAs together."""
        order = list(dict.fromkeys(shot.loras for shot in self.shots))
        left = [position for position, place in enumerate(self.places) if not place.there]
        return sorted(left, key=lambda position: order.index(self.shots[position].loras))

    def forecast_s(self) -> float | None:
        """Seconds that drawing will take, where this machine has drawn the like before."""
        return forecast_s(self.info, self.placement.device, [self.shots[p] for p in self.missing])


def _raise(problems: Problems) -> None:
    """One fault as it is; several each with its prompt."""
    if len(problems.found) == 1 and not problems.found[0].where:
        raise UserError(problems.found[0].message, problems.found[0].hint)
    problems.merged().raise_if_any()


@dataclass
class Outcome:
    """What was drawn, and why others could not be, by file name."""

    drawn: list[Path] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def draw_missing(shooting: Shooting) -> Outcome:
    """Draw what is not there yet. Raises `UserError` for a LoRA that does not fit, before the first picture.

    A picture that the model cannot draw (an overflow, the safety checker) does not stop the others.
    """
    outcome = Outcome()
    if not shooting.missing:
        return outcome
    start_hashing(shooting.info.path)
    _check_loras(shooting)
    pipeline = open_pipeline(shooting.info, "txt2img", (), shooting.conditions, shooting.placement)
    with progress("generate", sum(shooting.shots[p].steps() for p in shooting.missing)) as bar:
        draw_all(shooting, pipeline, bar, outcome)
    return outcome


def _check_loras(shooting: Shooting) -> None:
    """With several sets of LoRAs, the later ones are asked for before the first is drawn with."""
    sets = {shooting.shots[position].loras for position in shooting.missing}
    if len(sets) > 1:
        from wrapper.lora.fitting import check_fits

        check_fits(shooting.info, [use.path for loras in sets for use in loras])


def draw_all(shooting: Shooting, pipeline: Any, bar: Bar, outcome: Outcome) -> None:
    """Draw with a pipeline that is open; what is done is written into ``outcome`` as it goes."""
    from wrapper.lora.swapping import Swapper

    swapper = Swapper(pipeline)
    for position in shooting.missing:
        shot, path = shooting.shots[position], shooting.places[position].path
        swapper.use(shot.loras)
        begun = time.monotonic()
        try:
            pixels = shot.draw(pipeline, lambda name=path.name: bar.advance(note=name))
        except RunFailed as error:
            outcome.failed[path.name] = error.message
            continue
        took_s = time.monotonic() - begun
        save_picture(path, Photograph(pixels), shooting.told(position), "trainedAlgorithmicMedia")
        outcome.drawn.append(path)
    if outcome.drawn:
        remember(shooting.info, shooting.placement.device, shot, took_s)


def save_overview(shooting: Shooting) -> Path | None:
    """Write a contact sheet of all pictures that are there; None for less than two of them.

    A file of that name that this program has not made is left alone.
    """
    from dataset_tools.pictures.images import read_rgb
    from wrapper.diffusion.pictures.sheet import save_sheet

    paths = [place.path for place in shooting.places if place.path.is_file()]
    sheet = shooting.folder / SHEET
    if len(paths) < 2 or (sheet.exists() and not is_ours(sheet)):
        return None
    rows = [(caption, [read_rgb(path) for path in row]) for caption, row in _rows(shooting)]
    return save_sheet(sheet, rows, source="trainedAlgorithmicMedia")


def _rows(shooting: Shooting) -> Iterator[tuple[str, Sequence[Path]]]:
    """Pictures of one prompt stand together; its text stands above their first row."""
    by_prompt: dict[str, list[Path]] = {}
    for place, shot in zip(shooting.places, shooting.shots, strict=True):
        if place.path.is_file():
            by_prompt.setdefault(shot.prompt.text, []).append(place.path)
    for text, paths in by_prompt.items():
        for start in range(0, len(paths), SHEET_COLUMNS):
            yield "" if start else text, paths[start : start + SHEET_COLUMNS]
