"""Will the run fit the card? What is foreseen for the whole run, against what the GPU has."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from wrapper.base_model.kinds import Kind
from wrapper.kohya.located import Located
from wrapper.kohya.memory import Forecast, forecast
from wrapper.kohya.report import Findings
from wrapper.kohya.subsets import SubsetView

BASE = "pretrained_model_name_or_path"


def check_memory(
    train: Located,
    values: Mapping[str, Any],
    views: Sequence[SubsetView],
    script: str,
    findings: Findings,
    gpu_gib: float | None = None,
) -> Forecast | None:
    """Foresee the GPU memory, and warn where the card has less.

    ``gpu_gib`` None takes the smallest card that is here, and warns of nothing where there is none.
    Returns None where no dataset has a resolution, or a value is of a wrong type, which others report.
    """
    foreseen = foresee(values, views, model_kind(values, script))
    card = gpu_gib if gpu_gib is not None else card_gib()
    if foreseen is not None and card is not None and foreseen.total > card:
        hint = "Set gradient_checkpointing, a smaller batch, cache_latents, or fp8_base."
        findings.warn(train.where(), f"{foreseen}; the card has {card:.1f} GiB.", hint)
    return foreseen


def foresee(values: Mapping[str, Any], views: Sequence[SubsetView], kind: Kind) -> Forecast | None:
    """The forecast of the dataset that needs most."""
    sizes = {(view.resolution, view.batch_size) for view in views if view.resolution}
    try:
        foreseen = [forecast(values, kind, size, batch) for size, batch in sizes if size]
    except (TypeError, ValueError):
        return None
    return max(foreseen, key=lambda one: one.total, default=None)


def model_kind(values: Mapping[str, Any], script: str) -> Kind:
    """By the base model where it is here, else by the script."""
    from wrapper.base_model.detect import detect

    if script == "train_network_inpaint" and is_here(values):
        try:
            return detect(Path(str(values[BASE]))).kind
        except UserError:
            return "sd15"
    return "sdxl" if script == "sdxl_train_network" else "sd15"


def is_here(values: Mapping[str, Any]) -> bool:
    """Whether the base model lies on this machine."""
    base = Path(str(values.get(BASE) or ""))
    return bool(base.name) and base.exists()


def card_gib() -> float | None:
    """The memory of the smallest NVIDIA card in GiB, or None where the driver names none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(
            command, capture_output=True, check=False, timeout=30, encoding="utf-8"
        ).stdout
    except subprocess.TimeoutExpired:
        return None
    sizes = [int(line) for line in answer.split() if line.isdecimal()]
    return min(sizes) / 1024 if sizes else None
