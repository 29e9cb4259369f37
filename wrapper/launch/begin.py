"""A run's folder before the trainer starts: both files, origins, hashes, and the record."""

from __future__ import annotations

import shutil
from typing import Any

from dataset_tools.building.dataset import read_dataset
from dataset_tools.errors import UserError
from dataset_tools.files import remove_unfinished, write_json, write_text
from dataset_tools.system.ground import make_folder
from wrapper.kohya.render import Rendered
from wrapper.launch.plan import Plan
from wrapper.launch.versions import trainer_facts
from wrapper.launch.watching.told import command_facts
from wrapper.project.layout import RunPaths
from wrapper.runs.record import RunRecord, now, read_record, this_process
from wrapper.runs.same import file_hashes, hashes, summary


def begin(plan: Plan) -> RunRecord:
    """Make the folder of a new run, or go on in that of an old one, and say in the record that it runs.

    What a killed trainer left half-written in the stage's newest run is removed.
    """
    if plan.where.machines == 1:  # several write into one folder
        remove_unfinished(plan.project.paths.run(plan.stage).folder)
    if plan.rendered is None:
        return _begun(plan)
    _make_folder(plan)
    try:
        _write_files(plan.run, plan.rendered)
        return _begun(plan)
    except BaseException:  # a full disk, Ctrl-C: half a run would stand in every list
        shutil.rmtree(plan.run.folder, ignore_errors=True)
        raise


def _begun(plan: Plan) -> RunRecord:
    make_folder(plan.output)
    return RunRecord(plan.run.record, {**_facts(plan), "segments": _segments(plan)})


def _make_folder(plan: Plan) -> None:
    folder = plan.run.folder
    make_folder(folder.parent)
    try:
        folder.mkdir()
    except FileExistsError:
        raise UserError(f"{folder}: another run began just now.", "Start the command again.") from None


def _write_files(run: RunPaths, rendered: Rendered) -> None:
    write_text(run.train_toml, rendered.train_toml)
    write_text(run.dataset_toml, rendered.dataset_toml)
    write_json(run.origins, rendered.origins)


def _facts(plan: Plan) -> dict[str, Any]:
    paths = plan.project.paths
    facts = {
        "id": plan.run.id,
        "stage": plan.stage,
        "engine": plan.trainer.engine,
        "script": plan.script,
        "kind": plan.kind,
        **command_facts(plan.command),
        "processes": vars(plan.where),
        "process": this_process(),
        "resumed_from": _name(plan),
        **trainer_facts(plan.trainer, plan.where.device),
        "config": file_hashes(plan.run),
        "dataset": read_dataset(paths.dataset).key,
        "planned_steps": plan.steps,
        "steps_per_epoch": plan.schedule.steps_per_epoch,
    }
    inputs = hashes(paths, plan.report.values, plan.run)
    if plan.rendered is not None:
        write_json(plan.run.inputs, inputs)
    return facts | summary(inputs)


def _segments(plan: Plan) -> list[dict[str, Any]]:
    """One entry each time that the run was started: what it went on from, and how the trainer counted."""
    start = plan.start
    segment = {
        "started": now(),
        "output": plan.output.relative_to(plan.run.folder).as_posix(),
        "from": _name(plan),
        "done": start.done,
        "counted_from": start.counted_from,
    }
    return [*read_record(plan.run.record).get("segments", []), segment]


def _name(plan: Plan) -> str | None:
    """The state that the run goes on from, from the folder of all runs."""
    state, runs = plan.start.state, plan.run.folder.parent
    return state.relative_to(runs).as_posix() if state is not None else None
