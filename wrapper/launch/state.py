"""The folders of a run: old ones set aside, saved states found again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from dataset_tools.errors import UserError
from wrapper.project.layout import RunPaths

STATE_SUFFIX = "-state"
TRAIN_STATE = "train_state.json"
"""In every state: sd-scripts (v0.9 and newer) says ``current_step`` in it, the embedded trainer ``step``."""


def newest_state(run: RunPaths, planned_steps: int) -> Path:
    """The saved state with the most steps. `UserError` when there is none, or nothing is left to do."""
    states = [path for path in run.output.glob(f"*{STATE_SUFFIX}") if path.is_dir()]
    if not states:
        raise UserError(
            f"{run.output}: there is no saved state to resume from.",
            "Train without --resume; with save_state = true every checkpoint saves one.",
        )
    newest = max(states, key=lambda path: (state_steps(path), path.stat().st_mtime_ns))
    if state_steps(newest) >= planned_steps:
        raise UserError(
            f"{newest}: it has all {planned_steps} steps, there is nothing to resume.",
            "Raise max_train_steps to train on.",
        )
    return newest


def state_steps(state: Path) -> int:
    """How many steps a state has, -1 when it does not say."""
    data = _read_json(state / TRAIN_STATE)
    steps = data.get("step", data.get("current_step"))
    return steps if isinstance(steps, int) else -1


def how_to_go_on(run: RunPaths, published: Path) -> Literal["done", "resume", "start"]:
    """What ``--resume`` means for one stage of several: skip it, go on with it, or begin it."""
    record = _read_json(run.record)
    if record.get("status") == "succeeded" and published.is_file():
        return "done"
    return "resume" if any(run.output.glob(f"*{STATE_SUFFIX}")) else "start"


def set_aside(folder: Path) -> Path | None:
    """Rename ``runs/stage_a`` to ``runs/stage_a.1``, or the next free number: nothing is lost or mixed."""
    if not folder.exists() or not any(folder.iterdir()):
        return None
    number = 1
    while (aside := folder.with_name(f"{folder.name}.{number}")).exists():
        number += 1
    folder.rename(aside)
    return aside


def _read_json(path: Path) -> dict[str, Any]:
    """The object in ``path``, empty where there is none: a run that was killed may have left anything."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
