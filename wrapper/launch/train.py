"""One stage's run: render → check → launch → verify → record → publish."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from dataset_tools.errors import RunFailed, UserError
from dataset_tools.files import check_place, content_hash
from wrapper.launch.begin import begin
from wrapper.launch.children.process import run
from wrapper.launch.endings.explain import Explanation, explain
from wrapper.launch.endings.memory_kills import memory_kills
from wrapper.launch.endings.verdict import Expected, Verdict, judge, judge_helper, stamp
from wrapper.launch.plan import Plan, Wish, plan_from, plan_new, plan_on
from wrapper.launch.publish import gather_checkpoints, publish
from wrapper.launch.watching.hang import TrainerHangs
from wrapper.launch.watching.tending import tending
from wrapper.launch.watching.watch import LossIsNan, Watch, watching
from wrapper.project.layout import RunPaths
from wrapper.project.load import Project
from wrapper.runs.curve import draw_curve
from wrapper.runs.heartbeat import refuse_if_alive
from wrapper.runs.record import RunRecord, read_record
from wrapper.runs.same import changed_since, setting_changes
from wrapper.runs.state import no_state, saved_states

SHOWN_LINES = 20


def plan(
    project: Project,
    stage: str,
    *,
    resume: bool = False,
    models: bool = True,
    dry: bool = False,
    **wished: Any,
) -> Plan:
    """What `train` would start; ``wished`` are the fields of `Wish`. `UserError` with all that is wrong.

    With ``resume`` the stage's newest run goes on in its own folder while nothing has changed; else a new run
    begins with its state. ``models`` and ``dry`` as in `plan_new`.
    """
    wish = Wish(**wished)
    old = run_to_resume(project, stage) if resume else None
    if resume and old is None:
        raise no_state(project.paths.run(stage))
    new = plan_new(project, stage, wish, models=models, dry=dry)
    if old is None or new.rendered is None:
        return new
    record = read_record(old.record)
    _refuse_other_trainer(old, record, new.trainer.engine)
    changed = what_changed(project, old, new)
    if not changed:
        return plan_on(project, old, record, wish)
    click.echo(f"{new.run.id} is a new run, from a state of {old.id}: {'; '.join(changed)}")
    return plan_from(new, old)


def what_changed(project: Project, old: RunPaths, new: Plan) -> list[str]:
    """Why ``old`` cannot go on as what would be begun now; empty when it can."""
    if not old.train_toml.is_file() or new.rendered is None:
        return ["it was made by an earlier version of this program"]
    return [
        *setting_changes(project.paths, old, new.rendered),
        *changed_since(project.paths, old, new.report.values),
    ]


def train(project: Project, stage: str, *, resume: bool = False, **wished: Any) -> Path:
    """Train ``stage`` and return the published LoRA.

    Raises `UserError` before the start and `RunFailed` when the run made no good LoRA; on Ctrl-C every child
    is ended and `KeyboardInterrupt` goes on. The run's record tells either.
    """
    return say_and_apply(plan(project, stage, resume=resume, **wished))


def go_on(project: Project, stage: str, *, resume: bool = True, **wished: Any) -> Path:
    """As `train`, for one of several stages: a finished one is skipped, one without states begins."""
    published = project.paths.lora(stage, project.settings.project.name)
    newest = project.paths.run(stage)
    if resume and read_record(newest.record).get("status") == "succeeded" and published.is_file():
        click.echo(f"{stage}: done already")
        return published
    return train(project, stage, resume=resume and run_to_resume(project, stage) is not None, **wished)


def run_to_resume(project: Project, stage: str) -> RunPaths | None:
    """The newest run of ``stage`` that has a whole state, none before the last one that succeeded."""
    for old in reversed([one for one in project.paths.all_runs() if one.stage == stage]):
        if saved_states(old):
            return old
        if read_record(old.record).get("status") == "succeeded":
            return None
    return None


def resume_run(project: Project, old: RunPaths, **wished: Any) -> Path:
    """Go on with ``old`` from its own files, to the total that it was begun with.

    Raises `UserError` when it still runs, has nothing left to do, or what it is made from has changed.
    """
    wish, record = Wish(**wished), read_record(old.record)
    if not old.train_toml.is_file():
        raise UserError(f"{old.folder}: has no files of its own to go on from.", "Train the stage anew.")
    if not wish.anyway:
        refuse_if_alive(old)
    _refuse_other_trainer(old, record, wish.engine or record["engine"])
    planned = plan_on(project, old, record, wish)
    changed = changed_since(project.paths, old, planned.report.values)
    if changed and not wish.anyway:
        raise UserError(
            f"{old.id} is not what it was when it began: {'; '.join(changed)}.",
            f"Train anew, or say --anyway: lorawrap runs resume {old.id} --anyway.",
        )
    return say_and_apply(planned)


def say_and_apply(planned: Plan) -> Path:
    """Print warnings and the count of steps, then `apply`."""
    for warning in planned.report.warnings:
        click.secho(str(warning), fg="yellow", err=True)
    click.echo(f"{planned.run.id}: {planned.report.steps}")
    start = planned.start
    if start.done:
        click.echo(f"{planned.run.id}: goes on after step {start.done} of {planned.steps}")
    return apply(planned)


def apply(planned: Plan) -> Path:
    """Start what was planned, and publish its LoRA when it is good; `UserError` if it has no place to go."""
    if planned.where.is_main:
        check_place(planned.published)
    before, kills = stamp(planned.made), memory_kills()
    record = begin(planned)
    with (
        _lost_places_noted(planned, record),
        watching(planned.run, planned.course, planned.run.id, append=planned.rendered is None) as watch,
    ):
        exit_code = _run_to_its_end(planned, watch, record)
        verdict = _judge(planned, before, exit_code, watch.step)
        if not verdict.ok:
            why = explain(list(watch.tail), exit_code, _killed_since(kills))
            facts = {"exit_code": exit_code, **_seen(watch), "faults": verdict.faults, "why": why.message}
            record.end("failed", **facts, cut_off=why.cut_off)
            raise _failure(planned, watch, why, verdict.faults)
        facts = {"exit_code": exit_code, **_seen(watch), "steps": verdict.steps, "proved_by": verdict.proof}
        return _succeeded(planned, record, facts)


def _run_to_its_end(planned: Plan, watch: Watch, record: RunRecord) -> int:
    """The trainer's exit code; an end that it did not choose is recorded."""
    try:
        return _tended(planned, watch, record)
    except KeyboardInterrupt:
        record.end("interrupted", **_seen(watch))
        _tell_how_to_go_on(planned, watch)
        raise
    except LossIsNan:
        why = Explanation(f"The loss is NaN: ended at step {watch.nan_step}.", _NAN_HINT)
        record.end("failed", **_seen(watch), faults=["the loss is NaN"], why=why.message)
        raise _failure(planned, watch, why, []) from None
    except TrainerHangs:
        why = Explanation(f"The trainer hung at step {watch.step}, and was ended.", _how_to_go_on(planned))
        record.end("failed", **_seen(watch), cut_off=True, faults=["the trainer hung"], why=why.message)
        raise _failure(planned, watch, why, []) from None
    finally:
        _put_in_order(planned, watch)


@contextmanager
def _lost_places_noted(planned: Plan, record: RunRecord) -> Iterator[None]:
    """A disk that fills or goes away under the run's own files: said in the record where that can be written.

    Else the record says that the run goes on, which is found out to be untrue: it counts as died.
    """
    try:
        yield
    except (OSError, UserError) as error:
        with suppress(OSError, UserError):
            record.end("failed", cut_off=True, why=f"Its own files could not be written: {error}")
        if stamp(planned.made) is not None:
            click.echo(f"{planned.made}: this is what was trained; it was not published.", err=True)
        raise


def _killed_since(before: int | None) -> int | None:
    now = memory_kills()
    return None if before is None or now is None else now - before


def _tended(planned: Plan, watch: Watch, record: RunRecord) -> int:
    """The trainer's exit code."""

    def told(found: Explanation) -> None:
        watch.say(str(found))
        watch.said.append(str(found))
        record.note(notices=watch.said)

    with tending(planned.run, watch, planned.hang, told) as tended:
        return run(planned.command, tended.line, on_tick=tended.tick)


def _seen(watch: Watch) -> dict[str, Any]:
    notices = [*watch.said, *(str(found) for found in watch.notices.values())]
    return {"steps_seen": watch.step, "loss": watch.loss, "notices": notices}


def _tell_how_to_go_on(planned: Plan, watch: Watch) -> None:
    click.echo(f"{planned.run.id}: stopped at step {watch.step} of {planned.steps}", err=True)
    click.echo(f"  → {_how_to_go_on(planned)}", err=True)


def _how_to_go_on(planned: Plan) -> str:
    states = saved_states(planned.run)
    if not states:
        return "No state was saved yet: the stage begins anew."
    return f"`lorawrap runs resume {planned.run.id}` goes on after step {states[-1].step}."


def _put_in_order(planned: Plan, watch: Watch) -> None:
    """However the trainer ended: the curve, the checkpoints' names, and what it only mentioned."""
    try:
        draw_curve(planned.run)
    except (OSError, UserError) as error:
        click.secho(f"{planned.run.curve}: not drawn ({error}).", fg="yellow", err=True)
    if planned.output != planned.run.output:
        start = planned.start
        short = start.done - start.counted_from
        gather_checkpoints(planned.output, planned.run.output, planned.made.name, short)
    for found in watch.notices.values():
        click.secho(str(found), fg="yellow", err=True)


def _succeeded(planned: Plan, record: RunRecord, facts: dict[str, Any]) -> Path:
    if planned.where.is_main:
        publish(planned.made, planned.published, planned.steps)
        facts["lora"] = {"path": str(planned.published), "sha256": content_hash(planned.published)}
    record.end("succeeded", **facts)
    return planned.published


def _judge(planned: Plan, before: tuple[int, int] | None, exit_code: int, seen: int) -> Verdict:
    start = planned.start
    expected = Expected(planned.steps, planned.steps - start.done + start.counted_from)
    if not planned.where.is_main:
        return judge_helper(exit_code, expected, seen)
    return judge(planned.made, planned.kind, before, exit_code, expected, seen)


def _refuse_other_trainer(old: RunPaths, record: dict[str, Any], engine: str) -> None:
    if record.get("engine") != engine:
        raise UserError(
            f"{old.id} was trained by {record.get('engine')}, whose states {engine} cannot read.",
            f"Give --engine {record.get('engine')}, or train without --resume.",
        )


_NAN_HINT = "Lower learning_rate, set no_half_vae = true, or use bf16; --nan-limit 0 would let it go on."


def _failure(planned: Plan, watch: Watch, why: Explanation, faults: Iterable[str]) -> RunFailed:
    last = [f"    {line}" for line in list(watch.tail)[-SHOWN_LINES:]]
    message = [f"{planned.stage}: {why.message}", *(f"  {fault}." for fault in faults)]
    message += ["  The last lines of the log:", *last] if last else []
    message += [f"  Command: {planned.command.shell()}", f"  Log: {planned.run.log}"]
    return RunFailed("\n".join(message), why.hint)
