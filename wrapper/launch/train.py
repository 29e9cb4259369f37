"""One stage's run: render → check → launch → verify → record → publish."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from dataset_tools.building.dataset import check_files, read_dataset
from dataset_tools.errors import RunFailed, UserError
from dataset_tools.files import content_hash, whole_file
from wrapper.kohya.check import Report, check
from wrapper.kohya.render import Rendered, render_stage, write
from wrapper.launch.command import Command, Device, command, find_device
from wrapper.launch.engine import Engine, find_trainer
from wrapper.launch.explain import explain
from wrapper.launch.process import run
from wrapper.launch.record import RunRecord, command_facts, model_hash, versions
from wrapper.launch.state import how_to_go_on, newest_state, set_aside
from wrapper.launch.verdict import Verdict, judge, stamp
from wrapper.launch.watch import Watch, watching
from wrapper.project.layout import RunPaths
from wrapper.project.load import Project

SHOWN_LINES = 20


@dataclass(frozen=True)
class Plan:
    """Everything that is known before the start. ``state`` is what a resumed run goes on from."""

    project: Project
    stage: str
    rendered: Rendered
    report: Report
    command: Command
    trainer: str
    state: Path | None

    @property
    def run(self) -> RunPaths:
        return self.project.paths.run(self.stage)

    @property
    def made(self) -> Path:
        """The LoRA that the trainer writes."""
        return self.run.output / f"{self.project.settings.project.name}_{self.stage}.safetensors"

    @property
    def published(self) -> Path:
        return self.project.paths.lora(self.stage, self.project.settings.project.name)


def plan(
    project: Project,
    stage: str,
    *,
    engine: Engine | None = None,
    resume: bool = False,
    device: Device | None = None,
    extra: Sequence[str] = (),
    models: bool = True,
) -> Plan:
    """Render and check ``stage``; nothing is started. Raises `UserError` with all that is wrong.

    ``models=False`` does not ask for the models to be there, for a stage that waits for another.
    """
    rendered = render_stage(project, stage)
    check_files(read_dataset(project.paths.dataset), project.paths.dataset, stage)
    trainer = find_trainer(engine or project.settings.project.engine, rendered.script)
    train_toml, dataset_toml = write(rendered, project.paths)
    report = check(train_toml, dataset_toml, rendered.script, trainer.engine, models=models)
    device = device or find_device()
    _refuse_on(device, report)
    report.raise_if_wrong(f"{stage} would not train as written:")
    state = newest_state(project.paths.run(stage), report.steps.steps) if resume else None
    started = command(
        trainer,
        rendered.script,
        train_toml,
        dataset_toml,
        device=device,
        mixed_precision=str(report.values.get("mixed_precision", "no")),
        extra=[*_resuming(state, trainer.engine), *extra],
        cache=project.paths.cache,
    )
    return Plan(project, stage, rendered, report, started, trainer.engine, state)


def train(
    project: Project,
    stage: str,
    *,
    engine: Engine | None = None,
    resume: bool = False,
    device: Device | None = None,
    extra: Sequence[str] = (),
) -> Path:
    """Train ``stage`` and return the published LoRA.

    Raises `UserError` before the start and `RunFailed` when the run made no good LoRA; on Ctrl-C every child
    is ended and `KeyboardInterrupt` goes on. The record in ``runs/<stage>/run.json`` tells either.
    """
    planned = plan(project, stage, engine=engine, resume=resume, device=device, extra=extra)
    for warning in planned.report.warnings:
        click.secho(str(warning), fg="yellow", err=True)
    click.echo(f"{stage}: {planned.report.steps}")
    return apply(planned)


def go_on(project: Project, stage: str, *, resume: bool = True, **how: Any) -> Path:
    """As `train`, for one of several stages: a finished one is skipped, one without states begins."""
    published = project.paths.lora(stage, project.settings.project.name)
    state = how_to_go_on(project.paths.run(stage), published)
    if resume and state == "done":
        click.echo(f"{stage}: done already")
        return published
    return train(project, stage, resume=resume and state == "resume", **how)


def apply(planned: Plan) -> Path:
    """Start what was planned, and publish its LoRA when it is good."""
    if planned.state is None:
        set_aside(planned.run.folder)
    planned.run.output.mkdir(parents=True, exist_ok=True)
    before = stamp(planned.made)
    record = RunRecord(planned.run.record, _facts(planned))
    try:
        with watching(
            planned.run, planned.stage, planned.report.steps.steps, append=planned.state is not None
        ) as watch:
            exit_code = run(planned.command, watch.line)
    except KeyboardInterrupt:
        record.end("interrupted")
        raise
    verdict = judge(planned.made, planned.rendered.kind, before, exit_code, planned.report.steps.steps)
    if not verdict.ok:
        record.end("failed", exit_code=exit_code, faults=verdict.faults)
        raise _failure(planned, watch, exit_code, verdict)
    publish(planned.made, planned.published)
    record.end(
        "succeeded",
        exit_code=exit_code,
        steps=verdict.steps,
        lora={"path": str(planned.published), "sha256": content_hash(planned.published)},
    )
    return planned.published


def publish(made: Path, published: Path) -> None:
    """Put the LoRA at its public place, whole; the run keeps its own."""
    with whole_file(published) as temporary:
        shutil.copyfile(made, temporary)


def _refuse_on(device: Device, report: Report) -> None:
    """Half precision and 8-bit optimizers have no CPU code."""
    values = report.values
    needs = [
        key
        for key, value in (("mixed_precision", "fp16"), ("optimizer_type", "AdamW8bit"))
        if values.get(key) == value
    ]
    if device == "cpu" and needs:
        named = " and ".join(f"{key} = {values[key]!r}" for key in needs)
        raise UserError(f"{named} needs a GPU, and there is none.", "Set preset = 'cpu' for the stage.")


def _resuming(state: Path | None, engine: str) -> list[str]:
    """sd-scripts counts a resumed run from zero unless it is told to skip what is done."""
    if state is None:
        return []
    skip = ["--skip_until_initial_step"] if engine == "sd-scripts" else []
    return ["--resume", str(state.resolve()), *skip]


def _facts(planned: Plan) -> dict[str, Any]:
    paths, values = planned.project.paths, planned.report.values
    base = Path(str(values["pretrained_model_name_or_path"]))
    train_toml, dataset_toml = paths.train_toml(planned.stage), paths.dataset_toml(planned.stage)
    return {
        "stage": planned.stage,
        "engine": planned.trainer,
        "script": planned.rendered.script,
        **command_facts(planned.command),
        "resumed_from": str(planned.state) if planned.state else None,
        "versions": versions(),
        "config": {str(path): content_hash(path) for path in (train_toml, dataset_toml)},
        "origins": planned.rendered.origins,
        "base": {"path": str(base), "sha256": model_hash(base)},
        "dataset": read_dataset(paths.dataset).key,
        "planned_steps": planned.report.steps.steps,
    }


def _failure(planned: Plan, watch: Watch, exit_code: int, verdict: Verdict) -> RunFailed:
    why = explain(list(watch.tail), exit_code)
    last = [f"    {line}" for line in list(watch.tail)[-SHOWN_LINES:]]
    message = [f"{planned.stage}: {why.message}", *(f"  {fault}." for fault in verdict.faults)]
    message += ["  The last lines of the log:", *last] if last else []
    message += [f"  Command: {planned.command.shell()}", f"  Log: {planned.run.log}"]
    return RunFailed("\n".join(message), why.hint)
