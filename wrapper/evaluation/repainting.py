"""Held-out images, repainted by a subject inside their masks, and what was measured there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dataset_tools.files import content_hash, data_hash
from dataset_tools.progress import Bar
from wrapper.diffusion.inpainting.inpaint import repaint
from wrapper.diffusion.pictures.describe import describe
from wrapper.diffusion.pictures.photograph import Photograph
from wrapper.diffusion.pictures.picture import save_picture
from wrapper.diffusion.pipelines.sampling import Sampling, batches
from wrapper.diffusion.prompts.attention import literal
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.evaluation.holdout import HeldOutImage
from wrapper.evaluation.measures.colour import colour_difference
from wrapper.evaluation.measures.fidelity import masked_psnr_db, masked_ssim, outside_difference
from wrapper.evaluation.measures.seam import seam_visibility
from wrapper.evaluation.measures.sharpness import sharpness_difference
from wrapper.evaluation.pictures import Album
from wrapper.evaluation.remembered import Remembered
from wrapper.evaluation.scores import Score
from wrapper.evaluation.subjects import Subject

if TYPE_CHECKING:
    import numpy as np

    from wrapper.base_model.detect import BaseInfo
    from wrapper.evaluation.measures.lpips import Lpips

MEASURES = 1
"""Goes up when a measure changes: what was measured before does not count then."""


@dataclass(frozen=True)
class Trial:
    """One held-out image to be repainted with one seed."""

    image: HeldOutImage
    seed: int

    @property
    def name(self) -> tuple[str, int]:
        return self.image.name, self.seed

    @property
    def prompt(self) -> Prompt:
        return Prompt(literal(self.image.caption), self.image.negative, self.seed)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        height, width = self.image.pixels.shape[:2]
        return width, height


@dataclass(frozen=True)
class Repainting:
    """The examination of ``images``; ``calls`` of the U-Net a picture. ``facts`` are what all keys hold."""

    info: BaseInfo
    images: Sequence[HeldOutImage]
    sampling: Sampling
    calls: int
    album: Album
    known: Remembered
    lpips: Lpips | None
    facts: Any

    def missing(self, subject: Subject) -> int:
        return self.calls * len(self._open(subject))

    def examine(self, pipeline: Any, subject: Subject, bar: Bar) -> None:
        """Whole batches, also where some of one is known: rounding goes by what is painted together."""
        trials, left = self._trials(subject), {trial.name for trial in self._open(subject)}
        for size in dict.fromkeys(trial.size for trial in trials):
            alike = [trial for trial in trials if trial.size == size]
            for portion in batches(alike, size, pipeline.device.type):
                self._portion(pipeline, subject, portion, left, bar)

    def scores(self, subject: Subject) -> list[Score]:
        """What is known of ``subject``, image by image within each seed."""
        return [self._score(subject, trial, row) for trial, row in self._known(subject)]

    def hole_scores(self) -> list[Score]:
        """The grey holes themselves, measured as if somebody had painted them."""
        found = []
        for image in self.images:
            path, picture = self.album.save_hole(image), image.hole
            row = {"measures": self.measure(picture, image), "outside": 0, "picture": ""}
            found.append(_told(row, image.name, "hole", None, self.album.relative(path)))
        return found

    def measure(self, picture: np.ndarray, image: HeldOutImage) -> dict[str, float]:
        truth, mask = image.pixels, image.mask
        found = {
            "psnr_db": masked_psnr_db(picture, truth, mask),
            "ssim": masked_ssim(picture, truth, mask),
            "seam": seam_visibility(picture, truth, mask),
            "colour": colour_difference(picture, truth, mask),
            "sharpness": sharpness_difference(picture, truth, mask),
        }
        if self.lpips:
            found["lpips"] = self.lpips.masked(picture, truth, mask)
        return {name: round(value, 4) for name, value in found.items()}

    def _portion(
        self, pipeline: Any, subject: Subject, trials: Sequence[Trial], left: set[tuple[str, int]], bar: Bar
    ) -> None:
        wanted = sum(trial.name in left for trial in trials)
        if not wanted:
            return
        images = [trial.image.pixels for trial in trials]
        masks = [trial.image.mask.astype("uint8") * 255 for trial in trials]

        def report() -> None:
            bar.advance(wanted, subject.name)

        prompts = [trial.prompt for trial in trials]
        pictures = repaint(pipeline, images, masks, prompts, self.sampling, report)
        for trial, painted in zip(trials, pictures, strict=True):
            if trial.name in left:
                self._remember(subject, trial, trial.image.filled(painted))

    def _remember(self, subject: Subject, trial: Trial, picture: np.ndarray) -> None:
        image, written = trial.image, ""
        if trial.seed in subject.kept:
            path = self.album.path(subject.name, image.name, trial.seed)
            told = describe(trial.prompt, self.sampling, trial.size, self.info, subject.loras)
            save_picture(path, Photograph(picture), told, "compositeWithTrainedAlgorithmicMedia")
            written = content_hash(path)
        outside = outside_difference(picture, image.pixels, image.mask)
        row = {"measures": self.measure(picture, image), "outside": outside, "picture": written}
        self.known.put(self._key(subject, trial), row)

    def _open(self, subject: Subject) -> list[Trial]:
        done = {trial.name for trial, _ in self._known(subject)}
        return [trial for trial in self._trials(subject) if trial.name not in done]

    def _known(self, subject: Subject) -> Iterator[tuple[Trial, dict[str, Any]]]:
        """Rows that are there, with the very picture that was measured where one is kept."""
        for trial in self._trials(subject):
            row = self.known.get(self._key(subject, trial))
            if row is not None and self._picture_is_there(subject, trial, row):
                yield trial, row

    def _picture_is_there(self, subject: Subject, trial: Trial, row: dict[str, Any]) -> bool:
        if trial.seed not in subject.kept:
            return True
        path = self.album.path(subject.name, trial.image.name, trial.seed)
        return bool(row["picture"]) and path.is_file() and content_hash(path) == row["picture"]

    def _trials(self, subject: Subject) -> list[Trial]:
        return [Trial(image, seed) for seed in subject.seeds for image in self.images]

    def _score(self, subject: Subject, trial: Trial, row: dict[str, Any]) -> Score:
        kept = trial.seed in subject.kept
        path = self.album.path(subject.name, trial.image.name, trial.seed)
        picture = self.album.relative(path) if kept else ""
        return _told(row, trial.image.name, subject.name, trial.seed, picture)

    def _key(self, subject: Subject, trial: Trial) -> str:
        weight = subject.lora.weight if subject.lora else 0
        image = self._images[trial.image.name]
        who = [subject.name, subject.digest, weight]
        return data_hash(["repainting", MEASURES, self.facts, who, image, trial.seed])

    @cached_property
    def _images(self) -> dict[str, str]:
        return {image.name: image.digest for image in self.images}


def _told(row: dict[str, Any], image: str, variant: str, seed: int | None, picture: str) -> Score:
    return Score(image, variant, seed, row["measures"], row["outside"], picture)
