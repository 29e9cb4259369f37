"""Repaint the held-out images with the base and with each stage's LoRA, and score what lies in the masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.building.dataset import read_dataset
from dataset_tools.errors import UserError
from dataset_tools.files import write_json
from dataset_tools.progress import Bar, progress
from wrapper.diffusion.inpainting.inpaint import repaint
from wrapper.diffusion.pictures.describe import describe, short_hash
from wrapper.diffusion.pictures.photograph import Photograph
from wrapper.diffusion.pictures.picture import save_picture
from wrapper.diffusion.pipelines.opening import open_pipeline, project_base
from wrapper.diffusion.pipelines.sampling import Prompt, Sampling, batches, check_sampling, step_count
from wrapper.evaluation.holdout import HeldOutImage, read_holdout
from wrapper.evaluation.metrics import masked_psnr_db, masked_ssim, outside_difference
from wrapper.evaluation.pictures import Album
from wrapper.evaluation.scores import Score, judge, summarise
from wrapper.project.layout import STAGES

if TYPE_CHECKING:
    import numpy as np

    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse
    from wrapper.project.load import Project


@dataclass(frozen=True)
class Variant:
    """The base alone, or with one stage's LoRA."""

    name: str
    loras: tuple[LoraUse, ...] = ()


@dataclass(frozen=True)
class Trial:
    """One held-out image to be repainted with one seed."""

    image: HeldOutImage
    seed: int

    @property
    def prompt(self) -> Prompt:
        return Prompt(self.image.caption, self.image.negative, self.seed)


def evaluate_project(project: Project) -> dict[str, Any]:
    """Score the project's LoRAs, write ``evaluation.json`` and ``images/inpaint/``, and return the former.

    The masked part is always drawn from pure noise (strength 1), so that nothing of the truth shines through.
    Raises `UserError` when there is no held-out image with a mask, no trained LoRA, or no seed.
    """
    settings, paths = project.settings, project.paths
    built = read_dataset(paths.dataset)
    images = read_holdout(built, paths.dataset, settings.evaluate.images)
    variants = trained_variants(project)
    trials = plan_trials(project, images)
    sampling = Sampling(settings.inpaint.sampler, settings.inpaint.steps, settings.inpaint.cfg)
    check_sampling(sampling)
    info = project_base(project, "inpaint")
    album = Album(paths.images)
    scores = [_score(album, image, "hole", None, album.save_hole(image)) for image in images]
    scores += _run(info, variants, trials, sampling, album)
    names = ["hole", *(variant.name for variant in variants)]
    result = {
        "masked": summarise(scores),
        "outside_mask_max_abs_diff": max(score.outside_max_abs_diff for score in scores),
        "verdict": judge(scores),
        "settings": _settings(info, variants, trials, sampling, built.key),
        "pictures": album.finish(images, names, trials[0].seed, {score.picture for score in scores}),
        "per_image": [score.row() for score in scores],
    }
    write_json(paths.evaluation, result)
    return result


def trained_variants(project: Project) -> list[Variant]:
    """The base, and each stage whose LoRA is there. Raises `UserError` when none is."""
    from wrapper.lora.apply import LoraUse

    weight = project.settings.inpaint.lora_weight
    files = {stage: project.paths.lora(stage, project.settings.project.name) for stage in STAGES}
    trained = [Variant(stage, (LoraUse(path, weight),)) for stage, path in files.items() if path.is_file()]
    if not trained:
        expected = " or ".join(path.name for path in files.values())
        raise UserError(f"{project.paths.loras}: no {expected} to score.", "Run 'lorawrap train' first.")
    return [Variant("base"), *trained]


def plan_trials(project: Project, images: Sequence[HeldOutImage]) -> list[Trial]:
    """Every image with every seed, seeds outermost. Raises `UserError` without seeds."""
    seeds = list(dict.fromkeys(project.settings.evaluate.seeds))
    if not seeds:
        raise UserError(f"{project.paths.file} [evaluate]: no seeds.", "For example seeds = [1, 2, 3].")
    return [Trial(image, seed) for seed in seeds for image in images]


def _run(
    info: BaseInfo, variants: Sequence[Variant], trials: Sequence[Trial], sampling: Sampling, album: Album
) -> Iterator[Score]:
    """The scores of every variant and trial; the pipeline is loaded once and LoRAs are swapped."""
    from wrapper.lora.apply import apply_loras, unload_loras

    pipeline = open_pipeline(info, "inpaint")
    height, width = trials[0].image.pixels.shape[:2]
    portions = list(batches(trials, (width, height), pipeline.device.type))
    total = len(variants) * len(portions) * step_count(pipeline, sampling)
    with progress("evaluate", total) as bar:
        for variant in variants:
            if variant.loras:
                apply_loras(pipeline, list(variant.loras))
            for portion in portions:
                yield from _portion(pipeline, info, variant, portion, sampling, album, bar)
            if variant.loras:
                unload_loras(pipeline)


def _portion(
    pipeline: Any,
    info: BaseInfo,
    variant: Variant,
    trials: Sequence[Trial],
    sampling: Sampling,
    album: Album,
    bar: Bar,
) -> Iterator[Score]:
    images = [trial.image.pixels for trial in trials]
    masks = [trial.image.mask.astype("uint8") * 255 for trial in trials]
    prompts = [trial.prompt for trial in trials]
    pictures = repaint(pipeline, images, masks, prompts, sampling, bar.advance)
    for trial, picture in zip(trials, pictures, strict=True):
        height, width = picture.shape[:2]
        told = describe(trial.prompt, sampling, (width, height), info, variant.loras)
        path = album.path(variant.name, trial.image.name, trial.seed)
        filled = Photograph(trial.image.filled(picture))
        save_picture(path, filled, told, "compositeWithTrainedAlgorithmicMedia")
        yield _score(album, trial.image, variant.name, trial.seed, path)


def _score(album: Album, image: HeldOutImage, variant: str, seed: int | None, path: Path) -> Score:
    """Score the file that was written, not the array that it was written from."""
    from dataset_tools.pictures.images import read_rgb

    picture: np.ndarray = read_rgb(path)
    return Score(
        image=image.name,
        variant=variant,
        seed=seed,
        psnr_db=round(masked_psnr_db(picture, image.pixels, image.mask), 4),
        ssim=round(masked_ssim(picture, image.pixels, image.mask), 4),
        outside_max_abs_diff=outside_difference(picture, image.pixels, image.mask),
        picture=album.relative(path),
    )


def _settings(
    info: BaseInfo, variants: Sequence[Variant], trials: Sequence[Trial], sampling: Sampling, key: str
) -> dict[str, Any]:
    height, width = trials[0].image.pixels.shape[:2]
    return {
        "base": info.path.name,
        "inpaint_base": info.inpaint,
        "size": [width, height],
        "sampler": sampling.sampler,
        "steps": sampling.steps,
        "cfg": sampling.cfg,
        "strength": sampling.strength,
        "seeds": list(dict.fromkeys(trial.seed for trial in trials)),
        "images": len({trial.image.name for trial in trials}),
        "loras": {
            variant.name: {"file": use.path.name, "weight": use.weight, "hash": short_hash(use.path)}
            for variant in variants
            for use in variant.loras
        },
        "dataset_key": key,
    }
