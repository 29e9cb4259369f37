"""The project's txt2img prompts, drawn by a subject: is it the person, and is it what was asked for?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from dataset_tools.files import content_hash, data_hash
from dataset_tools.progress import Bar
from wrapper.diffusion.pictures.describe import describe
from wrapper.diffusion.pictures.photograph import Photograph
from wrapper.diffusion.pictures.picture import save_picture
from wrapper.diffusion.pipelines.sampling import Sampling, batches, native_size, run_batch
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.evaluation.pictures import Album
from wrapper.evaluation.remembered import Remembered
from wrapper.evaluation.scores import Score
from wrapper.evaluation.subjects import Subject

if TYPE_CHECKING:
    import numpy as np

    from wrapper.base_model.detect import BaseInfo
    from wrapper.evaluation.measures.identity import Box

SCENES = 1
"""Goes up when a measure changes: what was measured before does not count then."""
Judge = Callable[["np.ndarray", str], float]
"""A picture, uint8 [H, W, 3], and its prompt → a figure."""


@dataclass(frozen=True)
class Scene:
    """One of the project's prompts; ``name`` is its number."""

    name: str
    text: str
    negative: str


@dataclass(frozen=True)
class Scenes:
    """The examination of Stage A's subjects; ``judges`` by metric; ``size`` is None for the base's own."""

    info: BaseInfo
    stage: str
    scenes: Sequence[Scene]
    sampling: Sampling
    calls: int
    size: tuple[int | None, int | None]
    judges: dict[str, Judge]
    album: Album
    known: Remembered
    facts: Any

    def missing(self, subject: Subject) -> int:
        return self.calls * len(self._open(subject))

    def examine(self, pipeline: Any, subject: Subject, bar: Bar) -> None:
        """Whole batches, also where some of one is known: rounding goes by what is drawn together."""
        own = native_size(pipeline)
        size = (self.size[0] or own, self.size[1] or own)
        left = self._open(subject)
        for portion in batches(self._pairs(subject), size, pipeline.device.type):
            wanted = [pair for pair in portion if pair in left]
            if not wanted:
                continue

            def report(count: int = len(wanted)) -> None:
                bar.advance(count, subject.name)

            prompts = [Prompt(scene.text, scene.negative, seed) for scene, seed in portion]
            pictures = run_batch(pipeline, prompts, self.sampling, size, report)
            for pair, picture in zip(portion, pictures, strict=True):
                if pair in wanted:
                    self._remember(subject, *pair, picture)

    def scores(self, subject: Subject) -> list[Score]:
        found = []
        for scene, seed in self._pairs(subject):
            row = self.known.get(self._key(subject, scene, seed))
            if row is not None:
                picture = self._picture(subject, scene, seed)
                found.append(
                    Score(f"{scene.name}, seed {seed}", subject.name, seed, row["measures"], 0, picture)
                )
        return found

    def _remember(self, subject: Subject, scene: Scene, seed: int, picture: np.ndarray) -> None:
        height, width = picture.shape[:2]
        written = ""
        if seed in subject.kept:
            path = self.album.path(subject.name, scene.name, seed)
            prompt = Prompt(scene.text, scene.negative, seed)
            told = describe(prompt, self.sampling, (width, height), self.info, subject.loras)
            save_picture(path, Photograph(picture), told, "trainedAlgorithmicMedia")
            written = content_hash(path)
        measures = {name: round(judge(picture, scene.text), 4) for name, judge in self.judges.items()}
        row = {"measures": measures, "picture": written}
        self.known.put(self._key(subject, scene, seed), row)

    def _open(self, subject: Subject) -> list[tuple[Scene, int]]:
        return [pair for pair in self._pairs(subject) if not self._is_known(subject, *pair)]

    def _pairs(self, subject: Subject) -> list[tuple[Scene, int]]:
        if subject.stage not in ("", self.stage):
            return []
        return [(scene, seed) for seed in subject.seeds for scene in self.scenes]

    def _is_known(self, subject: Subject, scene: Scene, seed: int) -> bool:
        row = self.known.get(self._key(subject, scene, seed))
        if row is None or seed not in subject.kept:
            return row is not None
        path = self.album.path(subject.name, scene.name, seed)
        return path.is_file() and content_hash(path) == row["picture"]

    def _picture(self, subject: Subject, scene: Scene, seed: int) -> str:
        kept = seed in subject.kept
        return self.album.relative(self.album.path(subject.name, scene.name, seed)) if kept else ""

    def _key(self, subject: Subject, scene: Scene, seed: int) -> str:
        weight = subject.lora.weight if subject.lora else 0
        asked = [scene.text, scene.negative, seed, self.size]
        return data_hash(["scenes", SCENES, self.facts, subject.name, subject.digest, weight, asked])


def face_box(shares: Sequence[float], width: int, height: int) -> Box | None:
    """[evaluate] face_box in pixels of a picture; None for its middle. Raises `UserError` for no box."""
    if not shares:
        return None
    if len(shares) != 4 or not (0 <= shares[0] < shares[2] <= 1 and 0 <= shares[1] < shares[3] <= 1):
        raise UserError(
            f"[evaluate] face_box = {list(shares)} is no box.",
            "Left, top, right, bottom as shares of the picture, for example [0.25, 0.1, 0.75, 0.6].",
        )
    left, top, right, bottom = shares
    return round(left * width), round(top * height), round(right * width), round(bottom * height)
