"""Kohya values → a stage's ``kohya`` table and the project's own settings; every key leaves a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dataset_tools.errors import did_you_mean
from wrapper.kohya.imports.foreign import Foreign
from wrapper.kohya.imports.sources import layers
from wrapper.kohya.imports.trail import OFF, Trail
from wrapper.kohya.imports.values import convert
from wrapper.kohya.layers import OWNED, PATHS, SECRETS
from wrapper.kohya.options import dataset_names, upstream_dataset_fault, upstream_options
from wrapper.trainer.option import Option, parse_size

TOLD_ELSEWHERE = (
    "train_data_dir",
    "reg_data_dir",
    "dataset_config",
    "caption_extension",
    "resolution",
    "pretrained_model_name_or_path",
    "output_name",
    "seed",
    "sample_prompts",
)
"""Keys whose line is written where they are used."""
SUBSET_KEYS = ("image_dir", "conditioning_data_dir", "is_reg", "num_repeats", "class_tokens")
"""Keys that are told with their folder."""


class Settings:
    """Collects what becomes of the values of one import, for ``stage`` and a base of ``kind``."""

    def __init__(
        self, foreign: Foreign, stage: str, kind: str, trail: Trail, names: Mapping[str, str]
    ) -> None:
        self.foreign, self.stage, self.trail, self.names = foreign, stage, trail, names
        self.script = "sdxl_train_network" if kind == "sdxl" else "train_network"
        self.options = upstream_options(self.script)
        self.kohya: dict[str, Any] = {}

    def take(self, values: Mapping[str, Any]) -> None:
        """Put every value of both files to its place: what a subset sets counts before the training file."""
        spread = self._spread(values)
        beaten = {*spread, *(["train_batch_size"] if "batch_size" in spread else [])}
        for key, value in values.items():
            if key in beaten:
                self.trail.drop(self.name(key), value, "never used: the dataset file has its own")
            elif key not in TOLD_ELSEWHERE:
                self._take(key, value)
        for key, each in spread.items():
            chosen = next(value for value in each if value is not None)
            self._take(key, chosen)
            for other in [value for value in dict.fromkeys(map(repr, each)) if value != repr(chosen)]:
                self.trail.drop(key, other, f"another subset has {chosen!r}: here is one value for all")

    def _spread(self, values: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Each key that the dataset file sets, with its value in every subset of training images."""
        subsets = [tables for tables in layers(self.foreign.dataset) if tables[0].get("is_reg") is not True]
        keys = [key for tables in subsets for table in reversed(tables) for key in table]
        left_out = {*SUBSET_KEYS, *TOLD_ELSEWHERE}
        return {
            key: [effective(key, (*tables, values)) for tables in subsets]
            for key in dict.fromkeys(keys)
            if key not in left_out
        }

    def take_one(self, key: str, value: Any) -> None:
        """Put one value to its place."""
        self._take(key, value)

    def set(self, key: str, value: Any, said: Any, why: str = "", name: str = "") -> None:
        """Set ``key`` to a ``value`` of the import's own making; the source says ``said`` under ``name``."""
        self.kohya[key] = value
        self.trail.put(name or f"({key})", said, f"[{self.stage}.kohya] {key}", why)

    def name(self, key: str) -> str:
        """What the source calls the Kohya key ``key``."""
        return self.names.get(key, key)

    def _take(self, key: str, value: Any) -> None:
        if why := self._refusal(key, value):
            self.trail.drop(self.name(key), "…" if key in SECRETS else value, why)
            return
        try:
            made, note = self._converted(key, value)
        except ValueError as fault:
            self.trail.drop(self.name(key), value, f"{fault}: sd-scripts cannot use it")
            return
        self.kohya[key] = made
        self.trail.put(self.name(key), made, f"[{self.stage}.kohya] {key}", note)

    def _refusal(self, key: str, value: Any) -> str:
        if value in ("", None):
            return OFF
        if key in SECRETS:
            return "a secret does not belong into a project file: set it in the environment"
        if key == "alpha_mask":
            return "masks are read from image files: save the alpha channels as such" if value else OFF
        if key in OWNED:
            return OWNED[key]
        if key == "logging_dir":
            return OWNED["output_dir"]
        if key == "masked_loss" and value and self.stage == "stage_a":
            return "there are no mask images that it could count"
        if key == "enable_wildcard" and value:
            return "`lorawrap build` writes one caption an image"
        known = {**self.options, **dict.fromkeys(dataset_names("general"))}
        if key in known:
            return ""
        other = "train_network" if self.script == "sdxl_train_network" else "sdxl_train_network"
        if key in upstream_options(other):
            return f"{self.script}.py has no such option"
        if self.foreign.program == "kohya_ss":
            return "no option of LoRA training"
        return f"sd-scripts has no such option. {did_you_mean(key, known)}".strip()

    def _converted(self, key: str, value: Any) -> tuple[Any, str]:
        option = self.options.get(key) or _dataset_option(key)
        made, note = convert(option, value) if option else (value, "")
        if key in dataset_names("general") and isinstance(made, int) and _needs_point(key, made):
            made = float(made)
        if key == "text_encoder_lr" and isinstance(made, list) and len(set(made)) == 1:
            made, note = made[0], "the same for each"
        if key in PATHS:
            made = [self._path(item) for item in made] if isinstance(made, list) else self._path(made)
        return made, note

    def _path(self, text: str) -> str:
        return self.foreign.find(text).absolute().as_posix()


def effective(key: str, tables: tuple[Mapping[str, Any], ...]) -> Any:
    """The innermost table's value."""
    return next((table[key] for table in tables if key in table), None)


def crop_size(value: Any) -> tuple[int, str]:
    """(side of the square crops in px, what was changed) for a resolution such as ``"1024,768"``."""
    size = parse_size(value)
    if size is None:
        return 512, "not a resolution"
    width, height = size
    side = round((width * height) ** 0.5 / 64) * 64
    side = min(max(side, 64), 2048)
    if (width, height) == (side, side):
        return side, ""
    return side, "crops are squares, of a multiple of 64" if width != height else "crops are multiples of 64"


def _needs_point(key: str, value: int) -> bool:
    """A dataset file takes 0 for a share nowhere where it asks for 0.0."""
    table = "subsets" if key in dataset_names("subsets") else "datasets"
    return bool(upstream_dataset_fault(table, key, value, False)) and not upstream_dataset_fault(
        table, key, float(value), False
    )


def _dataset_option(key: str) -> Option | None:
    """``batch_size`` is a number that only a dataset file has."""
    return Option(key, "int") if key == "batch_size" else None
