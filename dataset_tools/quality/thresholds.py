"""QC thresholds as data: presets of the package, and single values laid over them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from dataset_tools.errors import Problems, UserError, did_you_mean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class Thresholds(BaseModel):
    """Limits by measure, see ``data/qc_presets.toml``; None switches a rule off."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    short_side_px_warn: float | None = None
    short_side_px_reject: float | None = None
    detail_px_warn: float | None = None
    detail_px_reject: float | None = None
    aspect_warn: float | None = None
    aspect_reject: float | None = None
    blur_px_warn: float | None = None
    blur_px_reject: float | None = None
    enlarged_warn: float | None = None
    enlarged_reject: float | None = None
    motion_px_warn: float | None = None
    motion_px_reject: float | None = None
    noise_sigma_warn: float | None = None
    noise_sigma_reject: float | None = None
    blockiness_warn: float | None = None
    blockiness_reject: float | None = None
    resized_blocks_warn: float | None = None
    resized_blocks_reject: float | None = None
    jpeg_quality_warn: float | None = None
    jpeg_quality_reject: float | None = None
    moire_warn: float | None = None
    moire_reject: float | None = None
    dark_warn: float | None = None
    dark_reject: float | None = None
    light_warn: float | None = None
    light_reject: float | None = None
    clipped_warn: float | None = None
    clipped_reject: float | None = None
    contrast_warn: float | None = None
    contrast_reject: float | None = None
    colour_range_warn: float | None = None
    colour_range_reject: float | None = None
    grey_fill_warn: float | None = None
    grey_fill_reject: float | None = None
    bars_warn: float | None = None
    bars_reject: float | None = None
    ear_box_px_warn: float | None = None
    ear_box_px_reject: float | None = None
    border_px_warn: float | None = None
    border_px_reject: float | None = None
    similarity_warn: float | None = None
    similarity_reject: float | None = None

    def limit(self, measure: str, level: str) -> float | None:
        """The limit of ``measure`` for ``level``, "warn" or "reject"."""
        return getattr(self, f"{measure}_{level}")


def load_thresholds(preset: str = "photo", overrides: Mapping[str, Any] | None = None) -> Thresholds:
    """A preset with single values laid over it; UserError for an unknown preset or key, and for no number."""
    presets = _presets()
    if preset not in presets:
        raise UserError(
            f"qc: there is no preset '{preset}'",
            did_you_mean(preset, presets) or f"Presets: {', '.join(presets)}.",
        )
    try:
        return Thresholds.model_validate({**presets[preset], **(overrides or {})})
    except ValidationError as error:
        _raise(error)
        raise


def _presets() -> dict[str, dict[str, float]]:
    text = (files("dataset_tools") / "data" / "qc_presets.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _raise(error: ValidationError) -> None:
    problems = Problems()
    for fault in error.errors():
        key = str(fault["loc"][0])
        if fault["type"] == "extra_forbidden":
            problems.add("qc", f"'{key}' is no threshold.", did_you_mean(key, Thresholds.model_fields))
        else:
            problems.add("qc", f"{key} = {fault['input']!r} is no number.")
    problems.raise_if_any()
