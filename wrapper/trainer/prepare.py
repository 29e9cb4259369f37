"""The data and the settings of a run, checked against each other before anything heavy is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import randrange

from dataset_tools.errors import UserError
from dataset_tools.pictures.mask_variants import MaskChange
from wrapper.base_model.detect import BaseInfo
from wrapper.places import cache_folder
from wrapper.trainer.config import Settings
from wrapper.trainer.data.captions import is_fixed
from wrapper.trainer.data.config import DatasetConfig, read_dataset_config
from wrapper.trainer.data.pictures import PictureSet, read_pictures
from wrapper.trainer.loop import Plan, make_plan
from wrapper.trainer.model import recognise
from wrapper.trainer.network import parse_network_args
from wrapper.trainer.optimizer import parse_optimizer_args
from wrapper.trainer.state import Progress, read_progress


@dataclass(frozen=True)
class Job:
    """A run that may begin. ``start`` is the resumed state's progress."""

    settings: Settings
    info: BaseInfo
    sets: tuple[PictureSet, ...]
    need_mask: bool
    plan: Plan
    start: Progress | None


def prepare(settings: Settings) -> Job:
    """Read everything but the model. Raises `UserError`."""
    start = read_progress(Path(settings.resume)) if settings.resume else None
    seed = settings.seed
    if seed is None:
        seed = start.seed if start else randrange(2**32)
    settings = replace(settings, values={**settings.values, "seed": seed})
    parse_network_args(settings.network_args)
    parse_optimizer_args(settings.optimizer_args)
    info = recognise(settings, cache_folder())
    need_mask = info.inpaint or settings.masked_loss
    configs = read_dataset_config(Path(settings.dataset_config), settings)
    _check_data_use(configs, settings, need_mask)
    change = mask_change(settings)
    sets = tuple(
        replace(
            read_pictures(config, need_mask=need_mask), change=change, pooled=bool(settings.cache_latents)
        )
        for config in configs
    )
    if not any(pictures.count(reg=False) for pictures in sets):
        raise UserError(f"{settings.dataset_config}: no training images, only regularisation images.")
    plan = make_plan(sets, settings)
    _check_start(start, plan, settings)
    return Job(settings, info, sets, need_mask, plan, start)


def _check_data_use(configs: Sequence[DatasetConfig], settings: Settings, need_mask: bool) -> None:
    subsets = [subset for config in configs for subset in config.subsets]
    if not need_mask and any(subset.conditioning_data_dir for subset in subsets):
        raise UserError(
            "'conditioning_data_dir' would be ignored: only masked_loss and inpainting bases read masks.",
            "Set masked_loss = true, or leave the masks out.",
        )
    if not need_mask and mask_change(settings).active:
        raise UserError(
            "Masks cannot vary: nothing reads them.",
            "Set masked_loss = true, or leave mask_jitter_px, mask_dilate_px and the mask shares out.",
        )
    if settings.cache_latents and any(subset.random_crop for subset in subsets):
        raise UserError("'cache_latents' and 'random_crop' exclude each other.")
    if settings.cache_text_encoder_outputs and not all(is_fixed(subset) for subset in subsets):
        raise UserError("'cache_text_encoder_outputs' excludes shuffle_caption and caption_tag_dropout_rate.")


def mask_change(settings: Settings) -> MaskChange:
    """How masks vary."""
    return MaskChange(
        settings.mask_jitter_px,
        settings.mask_dilate_px,
        settings.full_mask_share,
        settings.random_mask_share,
        settings.mask_variants,
    )


def _check_start(start: Progress | None, plan: Plan, settings: Settings) -> None:
    """A run's own last state is taken: one that was cut off right after it lacks the LoRA."""
    if start is None:
        return
    own = Path(settings.resume).absolute().parent == Path(settings.output_dir).absolute()
    if start.step > plan.steps or (start.step == plan.steps and not own):
        raise UserError(
            f"{settings.resume}: has {start.step} of {plan.steps} steps, there is nothing left to train.",
            "Raise max_train_steps or max_train_epochs.",
        )
    if start.seed != settings.seed:
        raise UserError(
            f"{settings.resume}: was trained with seed {start.seed}, not {settings.seed}.",
            "Keep the seed: the data's order and the noise come from it.",
        )


def check_sizes(sets: Sequence[PictureSet], pixels_per_latent: int) -> None:
    """Raise `UserError` for an image whose bucket has no whole number of latents."""
    for pictures in sets:
        for picture in pictures.pictures:
            width, height = picture.placement.bucket
            if width % pixels_per_latent or height % pixels_per_latent:
                raise UserError(
                    f"{picture.image}: would be trained at {width}x{height} pixels, and this base needs "
                    f"multiples of {pixels_per_latent}.",
                    "Change resolution or bucket_reso_steps.",
                )
