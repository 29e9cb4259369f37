"""A stage's run before it starts, as data: render → check → command."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dataset_tools.building.dataset import check_files, read_dataset
from dataset_tools.errors import UserError
from dataset_tools.files import write_text
from wrapper.kohya.check import Report, check
from wrapper.kohya.render import Rendered, render_stage, write
from wrapper.launch.command import Command, Trainer, command, find_device, visible_gpus
from wrapper.launch.engine import Engine, find_trainer
from wrapper.launch.processes import PORT, Device, Processes, processes
from wrapper.launch.watching.hang import HangRule
from wrapper.launch.watching.watch import Course
from wrapper.project.layout import RunPaths
from wrapper.project.load import Project
from wrapper.runs.counting import Schedule
from wrapper.runs.state import Start, find_start, output_folder

NAN_LIMIT = 3
"""So many reports of a loss that is not finite end a run: its weights are lost. fp16 may recover."""


@dataclass(frozen=True)
class Wish:
    """What the command line says about a run: which trainer, where, and when to give it up.

    ``nan_limit`` None takes `NAN_LIMIT`, and no limit with fp16, whose scaler leaves out such steps.
    ``hang_limit`` are minutes of silence, None as many as the run's pace tells, 0 never; ``end_hung`` ends a
    run that hangs unasked.
    ``anyway`` goes on with a run although what it is made from has changed.
    """

    engine: Engine | None = None
    device: Device | None = None
    gpus: str = ""
    machines: int = 1
    machine_rank: int = 0
    main_address: str = ""
    main_port: int = PORT
    nan_limit: int | None = None
    hang_limit: float | None = None
    end_hung: bool = False
    anyway: bool = False

    def where(self, before: Mapping[str, Any] | None = None) -> Processes:
        """The processes that are wished for; where nothing is said, those of ``before``."""
        if before and (self.device, self.gpus, self.machines) == (None, "", 1):
            return Processes(**{**before, "gpus": tuple(before["gpus"])})
        device = self.device or find_device()
        return processes(
            device,
            gpus=self.gpus,
            machines=self.machines,
            rank=self.machine_rank,
            address=self.main_address,
            port=self.main_port,
            visible=visible_gpus() if self.gpus else 0,
        )


@dataclass(frozen=True)
class Plan:
    """Everything that is known before the start. ``rendered`` is None for a run that goes on."""

    project: Project
    stage: str
    run: RunPaths
    kind: str
    script: str
    trainer: Trainer
    where: Processes
    report: Report
    schedule: Schedule
    start: Start
    nan_limit: int
    hang: HangRule
    rendered: Rendered | None = None

    @property
    def steps(self) -> int:
        """The run's total, whatever was done before."""
        return self.schedule.max_steps

    @property
    def output(self) -> Path:
        return output_folder(self.run, self.start)

    @property
    def made(self) -> Path:
        """The LoRA that the trainer writes."""
        return self.output / f"{self.report.values['output_name']}.safetensors"

    @property
    def published(self) -> Path:
        return self.project.paths.lora(self.stage, self.project.settings.project.name)

    @property
    def course(self) -> Course:
        return Course(self.steps, self.start.done, self.start.bar_from, self.nan_limit)

    @property
    def command(self) -> Command:
        """The one command that is run; on several machines, this machine's."""
        return self._command(self.run.train_toml, self.run.dataset_toml)

    @property
    def preview(self) -> Command:
        """`command` for a dry run: with the files that `lorawrap render` writes, since a new run has none."""
        if self.rendered is None:
            return self.command
        paths = self.project.paths
        return self._command(paths.train_toml(self.stage), paths.dataset_toml(self.stage))

    def _command(self, train_toml: Path, dataset_toml: Path) -> Command:
        moved = () if self.output == self.run.output else ("--output_dir", str(self.output.resolve()))
        return command(
            self.trainer,
            self.script,
            train_toml,
            dataset_toml,
            self.where,
            mixed_precision=str(self.report.values.get("mixed_precision", "no")),
            extra=(*self.start.arguments, *moved),
            stop_after=self.start.stop_after,
            cache=self.project.paths.shared_cache,
        )

    def on_machines(self) -> list[Command]:
        """The `preview` of each machine, in order."""
        ranks = range(self.where.machines)
        return [replace(self, where=self.where.on(rank)).preview for rank in ranks]


def plan_new(project: Project, stage: str, wish: Wish, *, models: bool = True, dry: bool = False) -> Plan:
    """Render and check ``stage`` as its next run. Raises `UserError` with all that is wrong.

    ``models=False`` does not ask for the models to be there, for a stage that waits for another. ``dry``
    writes nothing; else the rendered files are written into ``config/``.
    """
    rendered = render_stage(project, stage)
    check_files(read_dataset(project.paths.dataset), project.paths.dataset, stage)
    trainer = find_trainer(wish.engine or project.settings.project.engine, rendered.script)
    report = _checked(project, rendered, trainer, models=models, dry=dry)
    run = project.paths.next_run(stage)
    where = wish.where()
    return _plan(project, run, rendered.script, rendered.kind, trainer, report, wish, where, rendered)


def plan_from(new: Plan, old: RunPaths) -> Plan:
    """``new``, beginning with a saved state of another run."""
    return replace(new, start=find_start(old, new.schedule, new.trainer.engine))


def plan_on(project: Project, run: RunPaths, record: Mapping[str, Any], wish: Wish) -> Plan:
    """The rest of ``run``, from its own files."""
    script = str(record["script"])
    trainer = find_trainer(wish.engine or record["engine"], script)
    report = check(run.train_toml, run.dataset_toml, script, trainer.engine)
    report.raise_if_wrong(f"{run.id} cannot go on as it is written:")
    where = wish.where(record.get("processes"))
    return plan_from(_plan(project, run, script, str(record["kind"]), trainer, report, wish, where), run)


def _plan(
    project: Project,
    run: RunPaths,
    script: str,
    kind: str,
    trainer: Trainer,
    report: Report,
    wish: Wish,
    where: Processes,
    rendered: Rendered | None = None,
) -> Plan:
    _refuse_on(where, trainer, report)
    schedule, limit = schedule_of(report, where.total), _nan_limit(wish, report)
    hang = HangRule(None if wish.hang_limit is None else wish.hang_limit * 60, wish.end_hung)
    made = (project, run.stage, run, kind, script, trainer, where, report, schedule, Start(), limit, hang)
    return Plan(*made, rendered)


def schedule_of(report: Report, processes: int) -> Schedule:
    """How the run is counted on so many processes; ``max_train_epochs`` has fewer steps on more of them."""
    accumulation = int(report.values.get("gradient_accumulation_steps") or 1)
    batches = max(math.ceil(report.steps.batches_per_epoch / processes), 1)
    schedule = Schedule(report.steps.steps, batches, accumulation)
    epochs = int(report.values.get("max_train_epochs") or 0)
    return replace(schedule, max_steps=epochs * schedule.steps_per_epoch) if epochs else schedule


def _checked(project: Project, rendered: Rendered, trainer: Trainer, *, models: bool, dry: bool) -> Report:
    if not dry:
        train, dataset = write(rendered, project.paths)
        report = check(train, dataset, rendered.script, trainer.engine, models=models)
        report.raise_if_wrong(f"{rendered.stage} would not train as written:")
        return report
    paths, stage = project.paths, rendered.stage
    with tempfile.TemporaryDirectory() as folder:
        train, dataset = (Path(folder) / of(stage).name for of in (paths.train_toml, paths.dataset_toml))
        write_text(train, rendered.train_toml)
        write_text(dataset, rendered.dataset_toml)
        report = check(train, dataset, rendered.script, trainer.engine, models=models)
    report.raise_if_wrong(f"{stage} would not train as written:")
    return report


def _nan_limit(wish: Wish, report: Report) -> int:
    if wish.nan_limit is not None:
        return wish.nan_limit
    return 0 if report.values.get("mixed_precision") == "fp16" else NAN_LIMIT


def _refuse_on(where: Processes, trainer: Trainer, report: Report) -> None:
    """Half precision and 8-bit optimizers have no CPU code; the embedded trainer is one process."""
    if trainer.engine == "embedded" and where.total > 1:
        raise UserError(
            f"The embedded trainer is one process, not {where.total}.", "Use --engine sd-scripts for several."
        )
    needs = [
        key
        for key, value in (("mixed_precision", "fp16"), ("optimizer_type", "AdamW8bit"))
        if report.values.get(key) == value
    ]
    if where.device == "cpu" and needs:
        named = " and ".join(f"{key} = {report.values[key]!r}" for key in needs)
        raise UserError(f"{named} needs a GPU, and there is none.", "Set preset = 'cpu' for the stage.")
