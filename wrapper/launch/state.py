"""Saved states of a run, and the one from which it can go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from wrapper.launch.counting import Schedule, beginning_after
from wrapper.launch.record import read_record
from wrapper.project.layout import RunPaths

STATE_SUFFIX = "-state"
TRAIN_STATE = "train_state.json"
"""In every state: sd-scripts (v0.9 and newer) says ``current_step`` in it, the embedded trainer ``step``."""
SD_SCRIPTS_LAST = "random_states_0.pkl"
"""What accelerate writes last; ``train_state.json`` is among the first. The embedded trainer's are whole."""


@dataclass(frozen=True)
class State:
    """A saved state that has ``step`` steps of its run."""

    path: Path
    step: int


@dataclass(frozen=True)
class Start:
    """Where a run begins: after ``done`` steps, which the trainer counts as ``counted_from``.

    ``bar_from`` is what its progress bar begins with; ``arguments`` go behind the config files. ``missed`` is
    the step of a newer state from which the total would be another, 0 for none.
    """

    state: Path | None = None
    done: int = 0
    counted_from: int = 0
    bar_from: int = 0
    arguments: tuple[str, ...] = ()
    missed: int = 0


def saved_states(run: RunPaths) -> list[State]:
    """The run's whole states, the one with the most steps last.

    sd-scripts counts a resumed run from another number, so each part of the run has an output folder of its
    own, and the record says what its count is short of.
    """
    found: list[State] = []
    for folder, short in _outputs(run, read_record(run.record)).items():
        for path in folder.glob(f"*{STATE_SUFFIX}"):
            counted = counted_steps(path)
            if counted >= 0:
                found.append(State(path, counted + short))
    return sorted(found, key=lambda state: (state.step, state.path.stat().st_mtime_ns))


def counted_steps(state: Path) -> int:
    """How many steps a state says that it has; -1 when it does not say, or was not written to its end."""
    data = read_record(state / TRAIN_STATE)
    steps = data.get("step", data.get("current_step"))
    whole = "step" in data or (state / SD_SCRIPTS_LAST).is_file()
    return steps if isinstance(steps, int) and whole else -1


def find_start(run: RunPaths, schedule: Schedule, engine: str) -> Start:
    """Where ``run`` goes on, so that its total is the schedule's.

    `UserError` when there is no state, nothing is left to do, or sd-scripts could only miss the total.
    """
    states = saved_states(run)
    if not states:
        raise UserError(
            f"{run.output}: there is no whole saved state to resume from.",
            "Train without --resume; with save_state = true every checkpoint saves one.",
        )
    if states[-1].step >= schedule.max_steps:
        raise UserError(
            f"{states[-1].path}: it has all {schedule.max_steps} steps, there is nothing to resume.",
            "Raise max_train_steps to train on.",
        )
    if engine == "embedded":
        return _embedded(states[-1])
    found = [start for state in reversed(states) if (start := _sd_scripts(state, schedule)) is not None]
    if not found:
        raise _cannot_count(run, states, schedule)
    missed = states[-1].step if found[0].state != states[-1].path else 0
    return replace(found[0], missed=missed)


def _embedded(state: State) -> Start:
    resume = ("--resume", str(state.path.resolve()))
    return Start(state.path, state.step, state.step, state.step, resume)


def _sd_scripts(state: State, schedule: Schedule) -> Start | None:
    begin = beginning_after(state.step, schedule) if 0 < state.step < schedule.max_steps else None
    if begin is None:
        return None
    arguments = ("--resume", str(state.path.resolve()), *begin.arguments)
    return Start(state.path, state.step, begin.counted_from, 0, arguments)


def _cannot_count(run: RunPaths, states: Sequence[State], schedule: Schedule) -> UserError:
    steps = ", ".join(str(state.step) for state in states)
    epoch = schedule.steps_per_epoch
    return UserError(
        f"{run.id}: sd-scripts cannot go on from its states (of {steps} steps) to exactly "
        f"{schedule.max_steps} steps.",
        f"It can where max_train_steps is a multiple of an epoch's {epoch} steps; else train anew.",
    )


def output_folder(run: RunPaths, start: Start) -> Path:
    """Where the trainer writes: a part that is counted from another number has a folder of its own."""
    moved = start.counted_from != start.done
    return run.output / f"from-{start.done:06d}" if moved else run.output


def _outputs(run: RunPaths, record: Mapping[str, Any]) -> dict[Path, int]:
    """Each output folder, and how many steps more than it counts its states have."""
    folders = {run.output: 0}
    for part in record.get("segments", []):
        folders[run.folder / part["output"]] = part["done"] - part["counted_from"]
    return folders
