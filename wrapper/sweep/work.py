"""``python -m wrapper.sweep.work FOLDER``: one trial, trained and measured; what is done is not done again.

Exit codes are the command line's: 0 done, 1 the run failed, 2 it cannot be run as it is, 130 interrupted.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

import click

from dataset_tools.errors import RunFailed, UserError
from dataset_tools.system.ground import working_in
from dataset_tools.system.system_faults import system_fault, told
from wrapper.project.layout import RunPaths
from wrapper.project.load import Project, load_project
from wrapper.project.lock import held_in
from wrapper.runs.record import read_record
from wrapper.sweep.engines import WHERE
from wrapper.sweep.sweep_file import read_sweep
from wrapper.sweep.trial_record import TrialRecord
from wrapper.sweep.trials import Trial

INTERRUPTED = 130


def main(folder: Path) -> int:
    """Run the trial in ``folder`` and return the exit code."""
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):  # Windows has no SIGHUP, but Ctrl-Break
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    try:
        return _alone(folder.resolve())
    except UserError as error:
        return _complain(error, 2)
    except RunFailed as error:
        return _complain(error, 1)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        fault = system_fault(error)
        if fault is None:
            raise
        return _complain(UserError(told(error, fault), fault.hint), 2)


def _alone(folder: Path) -> int:
    """Nobody else may run the trial; what says it runs, while nobody has its lock, was cut off."""
    sweep = read_sweep(folder.parents[1]).sweep
    trial = next((one for one in sweep.trials if one.folder == folder), None)
    if trial is None:
        raise UserError(f"{folder}: is no trial of the sweep '{sweep.name}'.")
    project = load_project(folder)
    stages: Any = list(sweep.stages)
    with (
        working_in(sweep.project),
        held_in(project.paths, "lorawrap sweep run", writes=[*stages, "evaluation"], reads=["dataset"]),
    ):
        _recorded(project, trial, stages)
    return 0


def _recorded(project: Project, trial: Trial, stages: list[str]) -> None:
    record = TrialRecord(trial, os.environ.get(WHERE) or platform.node())
    try:
        for stage in stages:
            record.doing(stage)
            _train(project, stage)
        record.doing("evaluate")
        record.end("succeeded", **_measure(_asking_for_what_is_there(project, stages)))
    except KeyboardInterrupt:
        record.end("interrupted")
        raise
    except (UserError, RunFailed) as error:
        record.end("failed", _sentence(error.message), hint=error.hint)
        raise
    except BaseException as error:
        record.end("failed", "".join(traceback.format_exception_only(error)))
        raise


def _sentence(message: str) -> str:
    """The first line, with the one behind it where that only announces it."""
    first, _, rest = message.partition("\n")
    return f"{first} {rest.partition(chr(10))[0].strip()}" if first.endswith(":") else first


def _train(project: Project, stage: str) -> None:
    """A finished stage stays; one that was cut off goes on; one that failed begins anew."""
    from wrapper.launch.train import go_on

    newest = project.paths.run(stage)
    click.echo(f"wrote {go_on(project, stage, resume=not _failed(newest))}")


def _failed(run: RunPaths) -> bool:
    return read_record(run.record).get("status") == "failed"


def _asking_for_what_is_there(project: Project, stages: list[str]) -> Project:
    """A pattern in [evaluate] checkpoints may be of a stage that is not swept: then the last are measured."""
    from wrapper.evaluation.checkpoints import fits

    asked = project.settings.evaluate.checkpoints
    if fits(project.paths, stages, asked):
        return project
    click.echo(f"[evaluate] checkpoints = '{asked}' names none of {', '.join(stages)}: the last are measured")
    return load_project(project.paths.root, ["evaluate.checkpoints=last"])


def _measure(project: Project) -> dict[str, Any]:
    """Evaluate as `lorawrap run` does; what the record then says of it."""
    from dataset_tools.building.dataset import read_dataset
    from wrapper.evaluation.choice import choose_checkpoints
    from wrapper.evaluation.evaluate import evaluate_project
    from wrapper.steps.job import can_be_scored

    facts = {"dataset_key": read_dataset(project.paths.dataset).key}
    if not can_be_scored(project):
        return {**facts, "measured": False}
    result = evaluate_project(project)
    click.echo(result["verdict"]["text"])
    if any(len(some) > 1 for some in result["checkpoints"].values()):
        for data in choose_checkpoints(project, result)["stages"].values():
            click.echo(data["text"])
    return {**facts, "measured": True}


def _complain(error: UserError | RunFailed, code: int) -> int:
    click.echo(error.message, err=True)
    if error.hint:
        click.echo(f"  → {error.hint}", err=True)
    return code


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    from dataset_tools.system.processors import limit_threads

    limit_threads()
    sys.exit(main(Path(sys.argv[1])))
