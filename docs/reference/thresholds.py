"""QC's limits, in the order of their schema, one column a preset."""

from __future__ import annotations

from dataset_tools.quality.thresholds import Thresholds, load_thresholds
from docs.reference.markdown import code, table

PRESETS = ("photo", "tiny")


def threshold_table() -> str:
    """Every threshold with its value in each preset."""
    loaded = [load_thresholds(preset) for preset in PRESETS]
    rows = [
        (code(name), *(_number(getattr(one, name)) for one in loaded)) for name in Thresholds.model_fields
    ]
    return table(("key", *PRESETS), rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
