"""How a stage's loss was computed, read from the training file of its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wrapper.evaluation.checkpoints import finished_run
from wrapper.evaluation.denoising import LossSettings
from wrapper.project.layout import ProjectPaths
from wrapper.project.load import parse_toml


def loss_settings(paths: ProjectPaths, stage: str, timesteps: int, seed: int) -> LossSettings | None:
    """Those of the newest finished run, else of the rendered file; None when there is neither."""
    run = finished_run(paths, stage)
    files = [*([run.train_toml] if run else []), paths.train_toml(stage)]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        return None
    told = _flat(file)
    return LossSettings(
        masked_loss=told.get("masked_loss", False),
        masked_loss_normalize=told.get("masked_loss_normalize", False),
        min_snr_gamma=told.get("min_snr_gamma") or 0.0,
        clip_skip=told.get("clip_skip"),
        min_timestep=told.get("min_timestep") or 0,
        max_timestep=told.get("max_timestep"),
        timesteps=timesteps,
        seed=seed,
    )


def _flat(file: Path) -> dict[str, Any]:
    """Sections flattened one level, as the trainers read it."""
    data = parse_toml(file)
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= value if isinstance(value, dict) else {key: value}
    return flat
