"""Saved states of a run, and the one from which it can go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from wrapper.project.layout import RunPaths
from wrapper.runs.counting import Schedule, beginning_after
from wrapper.runs.record import read_object, read_record

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

    ``bar_from`` is what its progress bar begins with; ``arguments`` go behind the config files. After
    ``stop_after`` steps the trainer is to be stopped, 0 for when it ends by itself.
    """

    state: Path | None = None
    done: int = 0
    counted_from: int = 0
    bar_from: int = 0
    arguments: tuple[str, ...] = ()
    stop_after: int = 0


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
    data = read_object(state / TRAIN_STATE)
    steps = data.get("step", data.get("current_step"))
    whole = "step" in data or (state / SD_SCRIPTS_LAST).is_file()
    return steps if isinstance(steps, int) and whole else -1


def find_start(run: RunPaths, schedule: Schedule, engine: str) -> Start:
    """Where ``run`` goes on, so that its total is the schedule's.

    A run that was cut off between its last state and its LoRA has all steps and yet goes on: the embedded
    trainer then writes what is missing; sd-scripts, which takes no such state, does the last steps again.
    `UserError` when there is no state, or nothing is left to do.
    """
    states = saved_states(run)
    if not states:
        raise no_state(run)
    cut_off = read_record(run.record).get("status") != "succeeded"
    state = _to_go_on_from(states, schedule.max_steps, engine) if cut_off else states[-1]
    if state is None or (state.step >= schedule.max_steps and not cut_off):
        raise UserError(
            f"{states[-1].path}: it has all {schedule.max_steps} steps, there is nothing to resume.",
            "Raise max_train_steps to train on.",
        )
    return _embedded(state) if engine == "embedded" else _sd_scripts(state, schedule)


def _to_go_on_from(states: list[State], planned: int, engine: str) -> State | None:
    """The newest state of a run that was cut off, if the trainer can go on from it to ``planned`` steps."""
    if states[-1].step > planned:
        return None
    most = planned if engine == "embedded" else planned - 1
    return next((state for state in reversed(states) if state.step <= most), None)


def no_state(run: RunPaths) -> UserError:
    return UserError(
        f"{run.output}: there is no whole saved state to resume from.",
        "Train without --resume; with save_state = true every checkpoint saves one.",
    )


def _embedded(state: State) -> Start:
    resume = ("--resume", str(state.path.resolve()))
    return Start(state.path, state.step, state.step, state.step, resume)


def _sd_scripts(state: State, schedule: Schedule) -> Start:
    begin = beginning_after(state.step, schedule)
    wanted = schedule.max_steps - state.step
    return Start(
        state.path,
        state.step,
        begin.counted_from,
        bar_from=0,
        arguments=("--resume", str(state.path.resolve()), *begin.arguments),
        stop_after=wanted if begin.steps != wanted else 0,
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
