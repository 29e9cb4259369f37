"""The options that sd-scripts does not have, and those of its own that fight with masks."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from inpaint.refusal import refuse_all
from inpaint.variants import MaskChange


@dataclass(frozen=True)
class Options:
    """lorawrap's extensions, under the names that its embedded trainer knows, with its defaults."""

    masked_loss_normalize: bool = False
    metadata_tag_frequency: bool = False
    mask_jitter_px: int = 0
    mask_dilate_px: int = 0
    full_mask_share: float = 0.0
    random_mask_share: float = 0.0
    mask_variants: int = 8

    @property
    def change(self) -> Any:
        """The mask's part of it, a `MaskChange`."""
        return MaskChange(
            self.mask_jitter_px,
            self.mask_dilate_px,
            self.full_mask_share,
            self.random_mask_share,
            self.mask_variants,
        )


HELP = {
    "masked_loss_normalize": "divide the masked loss by the mask's share of the picture",
    "metadata_tag_frequency": "write the captions' tags into the file",
    "mask_jitter_px": "move the mask at random, at most so many pixels each way",
    "mask_dilate_px": "grow the mask at random, at most so many pixels",
    "full_mask_share": "share of sights with a mask that is white all over",
    "random_mask_share": "share of sights with a mask drawn at random",
    "mask_variants": "how many different masks of a picture a cache keeps",
}
LEAST = {"mask_variants": 1}
REFUSED = {
    "validation_split": "score held-out pictures with `lorawrap evaluate`",
    "random_crop": "pictures are cut once, when the dataset is built",
    "face_crop_aug_range": "pictures are cut once, when the dataset is built",
    "alpha_mask": "masks are pictures of their own, in conditioning_data_dir",
    "dataset_class": "name the pictures in a dataset_config",
    "in_json": "name the pictures in a dataset_config",
    "train_data_dir": "name the pictures in a dataset_config",
    "reg_data_dir": "prior preservation is for a base without masks",
    "train_inpainting": "masks are the user's own here, not drawn anew each step",
    "v2": "Stable Diffusion 2 is another model family",
    "v_parameterization": "v-prediction models are another model family",
}
"""Options of sd-scripts that make no sense beside masks, and what to do instead."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Put the extensions, ``--sd_scripts`` and ``--sdxl`` into sd-scripts' own parser."""
    for field in fields(Options):
        if isinstance(field.default, bool):
            parser.add_argument(f"--{field.name}", action="store_true", help=HELP[field.name])
        else:
            kind = type(field.default)
            parser.add_argument(f"--{field.name}", type=kind, default=field.default, help=HELP[field.name])
    parser.add_argument("--sd_scripts", help="folder of sd-scripts, else LORAWRAP_SD_SCRIPTS")
    parser.add_argument("--sdxl", action="store_true", help="take the base for SDXL whatever its header says")


def take(args: argparse.Namespace) -> Options:
    """The extensions, checked, and taken out of ``args``. Raises `RefusedError` with every problem."""
    values = {field.name: getattr(args, field.name) for field in fields(Options)}
    problems = [*_wrong_values(values), *_quarrels(args, values)]
    refuse_all(problems)
    for name in (*values, "sd_scripts", "sdxl"):
        delattr(args, name)
    return Options(
        **{name: float(value) if name.endswith("share") else value for name, value in values.items()}
    )


def _wrong_values(values: Mapping[str, Any]) -> Iterable[str]:
    for field in fields(Options):
        value, default = values[field.name], field.default
        if isinstance(default, bool):
            if not isinstance(value, bool):
                yield f"'{field.name}' must be true or false, not {value!r}"
        elif isinstance(default, int):
            least = LEAST.get(field.name, 0)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                yield f"'{field.name}' must be a whole number of {least} or more, not {value!r}"
        elif not _is_share(value):
            yield f"'{field.name}' must be a share from 0 to 1, not {value!r}"


def _is_share(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and 0 <= value <= 1


def _quarrels(args: argparse.Namespace, values: Mapping[str, Any]) -> Iterable[str]:
    shares = [values[name] for name in ("full_mask_share", "random_mask_share")]
    if all(map(_is_share, shares)) and sum(shares) > 1:
        yield "'full_mask_share' and 'random_mask_share' are together over 1"
    if values["masked_loss_normalize"] and not args.masked_loss:
        yield "'masked_loss_normalize' needs 'masked_loss'"
    if not args.dataset_config:
        yield "'dataset_config' is missing: it names the pictures and, as conditioning_data_dir, their masks"
    if args.color_aug and args.cache_latents:
        yield "'cache_latents' and 'color_aug' exclude each other"
    for name, instead in REFUSED.items():
        if getattr(args, name, None):
            yield f"'{name}' does not go with an inpaint LoRA: {instead}"


def unknown_keys(config: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    """Keys of a ``--config_file`` (sections flattened, as sd-scripts reads it) that no option is for."""
    flat = {
        key
        for name, value in config.items()
        for key in (value if isinstance(value, Mapping) else {name: value})
    }
    return sorted(flat - set(known))


def dataset_problems(config: Mapping[str, Any], path: Path) -> list[str]:
    """Subsets without masks, and options beside masks that sd-scripts' dataset cannot honour."""
    problems = []
    general = config.get("general", {})
    for number, dataset in enumerate(config.get("datasets", []), 1):
        for place, subset in enumerate(dataset.get("subsets", []), 1):
            where = f"{path} [[datasets]] {number} [[subsets]] {place}"
            if not subset.get("conditioning_data_dir"):
                problems.append(f"{where}: conditioning_data_dir is missing, the folder of its masks")
            problems += [
                f"{where}: '{name}' does not go with an inpaint LoRA: {instead}"
                for name, instead in REFUSED.items()
                if any(table.get(name) for table in (subset, dataset, general))
            ]
    return problems if config.get("datasets") else [f"{path}: there is no [[datasets]] in it"]
