"""Under which conditions a trial was measured: only those measured under the same ones are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dataset_tools.building.dataset import BuiltDataset, HeldOut, read_dataset
from dataset_tools.errors import UserError
from dataset_tools.files import content_hash, data_hash
from wrapper.evaluation.denoising import HOLDOUT
from wrapper.evaluation.trained_loss import loss_settings
from wrapper.sweep.outcome.measured import Measured

HELD_OUT = "held-out pictures"
_REPAINTING = ("images", "size", "inpaint_base", "sampler", "steps", "cfg", "strength")
_SCENES = ("prompts", "negative", "sampler", "steps", "cfg", "width", "height")
_JUDGES = ("face_model", "face_pixels", "face_box", "clip_model")
Conditions = dict[str, Any]


def conditions(measured: Measured, metric: str, held_out: Mapping[str, str]) -> Conditions:
    """What ``metric`` hangs on besides the trial's LoRA; ``held_out`` is from `held_out_digests`."""
    told, settings = measured.settings, measured.project.settings
    bases = {"base": [measured.project.base(inpaint=inpaint) for inpaint in (False, True)]}
    everywhere = {**bases, "seeds": told.get("seeds"), "images measured": _units(measured, metric)}
    if metric in ("identity", "prompt"):
        drawn = settings.generate.model_dump(include=set(_SCENES))
        return {**everywhere, **drawn, **settings.evaluate.model_dump(include=set(_JUDGES))}
    key = str(told.get("dataset_key"))
    pictures = {**everywhere, HELD_OUT: held_out.get(key, key)}
    if metric == "loss":
        return {**pictures, **_loss(measured)}
    weights = {"LPIPS weights": settings.evaluate.lpips_weights} if metric == "lpips" else {}
    return {**pictures, **{name: told.get(name) for name in _REPAINTING}, **weights}


def _units(measured: Measured, metric: str) -> list[str]:
    """What was measured with the first seed, which every checkpoint is measured with."""
    first = next(iter(measured.settings.get("seeds") or [None]))
    rows = [
        row.image for row in measured.checkpoint.per_image if metric in row.measures and row.seed == first
    ]
    losses = measured.checkpoint.per_image_loss.get(measured.stage, {}).get(HOLDOUT, {})
    return sorted(losses if metric == "loss" else rows)


def _loss(measured: Measured) -> Conditions:
    """The loss is computed as its stage was trained: with other settings it is another figure."""
    told, stage = measured.settings, measured.stage
    seeds, timesteps = told.get("seeds") or [0], told.get("loss_timesteps") or 0
    settings = loss_settings(measured.project.paths, stage, timesteps, seeds[0])
    images = told.get("loss_images", {}).get(stage)
    return {"images": images, **({} if settings is None else vars(settings))}


def held_out_digests(measured: Iterable[Measured]) -> dict[str, str]:
    """By the key of each dataset, a hash of the pictures, masks and prompts that it holds out.

    Datasets that are gone or were built anew have none: their key stands for them.
    """
    folders = dict.fromkeys(one.project.paths.dataset.resolve() for one in measured)
    found: dict[str, str] = {}
    for folder in folders:
        try:
            built = read_dataset(folder)
            found[built.key] = _digest(built, folder)
        except (UserError, OSError):
            continue
    return found


def _digest(built: BuiltDataset, folder: Path) -> str:
    return data_hash([_held_out(one, folder) for one in built.holdout])


def _held_out(one: HeldOut, folder: Path) -> list[str]:
    mask = content_hash(folder / one.mask) if one.mask else ""
    return [one.name, one.caption, one.negative, content_hash(folder / one.image), mask]


def fingerprint(found: Conditions) -> str:
    """Equal for equal conditions."""
    return data_hash(found)


def difference(one: Conditions, other: Conditions) -> str:
    """In what ``one`` differs from ``other``: ``other held-out pictures, sampler DDIM and not Euler a``."""
    keys = [key for key in {**other, **one} if one.get(key) != other.get(key)]
    return ", ".join(_words(key, one.get(key), other.get(key)) for key in keys)


def _words(key: str, ours: Any, theirs: Any) -> str:
    simple = all(isinstance(value, int | float | str) for value in (ours, theirs))
    if key in (HELD_OUT, "base", "negative") or not simple:
        return f"other {key}"
    return f"{key} {_shown(ours)} and not {_shown(theirs)}"


def _shown(value: float | str) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
