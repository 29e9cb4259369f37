"""``lorawrap evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapper.cli.options import hold, in_project, next_step, open_project, project_options

if TYPE_CHECKING:
    from wrapper.evaluation.plan import Plan


@click.command("evaluate")
@click.option(
    "--checkpoints",
    metavar="all|last|PATTERN",
    help="Which of the runs' checkpoints to measure: a pattern is of file names, as '*-00001?.safetensors'. "
    "[evaluate] checkpoints otherwise, which is all.",
)
@click.option(
    "--choose", is_flag=True, help="Name the best checkpoint, and how sure that is; export takes it."
)
@click.option("--dry-run", is_flag=True, help="Say what would be measured; write nothing.")
@project_options
def command(
    checkpoints: str | None, choose: bool, dry_run: bool, project: Path, overrides: tuple[str, ...]
) -> None:
    """Measure the LoRAs and every checkpoint before them on what was held out of training.

    Held-out images are repainted inside their masks, and compared with the truth; the denoising loss on them
    is held against that on training images. What was measured before is not measured again.
    """
    from wrapper.evaluation.evaluate import evaluate_project
    from wrapper.evaluation.plan import plan_evaluation

    asked = (f"evaluate.checkpoints={checkpoints}",) if checkpoints else ()
    opened = open_project(project, (*overrides, *asked))
    if dry_run:
        _show_plan(plan_evaluation(opened))
        return
    hold(opened, writes=["evaluation"], reads=["dataset"])
    result = evaluate_project(opened)
    for line in [*table(result), *checkpoint_tables(result), *result["notes"], result["verdict"]["text"]]:
        click.echo(line)
    _say_what_was_written(opened.paths.evaluation, opened.paths.images / "inpaint_sheet.png")
    if choose:
        _choose(opened, result)
    several = any(len(some) > 1 for some in result["checkpoints"].values())
    again = f"lorawrap evaluate --choose{in_project(project)}, or "
    next_step(f"{again if several and not choose else ''}lorawrap export{in_project(project)}")


def _choose(project: Any, result: dict[str, Any]) -> None:
    from wrapper.evaluation.choice import choose_checkpoints
    from wrapper.evaluation.taken import FILE

    for data in choose_checkpoints(project, result)["stages"].values():
        click.secho(data["text"], bold=True)
        if data["overfitting"]:
            click.echo(data["overfitting"])
    click.echo(f"wrote {project.paths.root / FILE}")


def _say_what_was_written(*paths: Path) -> None:
    click.echo(f"wrote {' and '.join(str(path) for path in paths if path.exists())}")


def _show_plan(plan: Plan) -> None:
    """Which subjects, on how many images, and how much of it is not known yet."""
    from dataset_tools.wording import count_of

    for stage, some in plan.checkpoints.items():
        click.echo(f"{stage}: {len(some)} of its checkpoints")
        for one in some:
            click.echo(f"  {one.path.name}: {one.title}")
    if plan.repainting:
        held = count_of(len(plan.images), "held-out image with a mask", "held-out images with masks")
        click.echo(f"{held}, seeds {plan.subjects[0].seeds}")
    for stage, exam in plan.losses.items():
        counts = ", ".join(f"{len(some)} {part}" for part, some in exam.pictures.items())
        click.echo(f"{stage}'s denoising loss: {counts} images at {exam.settings.timesteps} timesteps")
    if plan.scenes:
        judged = " and ".join(plan.scenes.judges)
        click.echo(f"{judged} of {len(plan.scenes.scenes)} prompts")
    for note in plan.notes:
        click.echo(note)
    click.echo(f"{plan.missing} calls of the U-Net to come; what was measured before is left out")
    click.echo("Nothing was written: this was a dry run.")


def table(result: dict[str, Any]) -> list[str]:
    """Every masked measure of the base and of each stage, as lines of text; empty without masks."""
    from wrapper.evaluation.metrics import present

    masked = result["masked"]
    if not masked:
        return []
    metrics = present(next(iter(masked.values())))
    lines = [
        f"{'masked':10}" + "".join(_head(m.title.removeprefix("masked "), m.unit) for m in metrics) + "    n"
    ]
    for name, figures in masked.items():
        cells = "".join(_cell(figures[m.name], m.digits) for m in metrics)
        lines.append(f"{name:10}{cells} {figures[metrics[0].name]['n']:4}")
    lines.append(f"largest difference outside the masks: {result['outside_mask_max_abs_diff']}")
    return lines


def checkpoint_tables(result: dict[str, Any]) -> list[str]:
    """The means of each stage's checkpoints, where there are several."""
    lines: list[str] = []
    for stage, some in result["checkpoints"].items():
        if len(some) > 1:
            lines += ["", *_checkpoint_table(stage, some)]
    return lines


def _checkpoint_table(stage: str, checkpoints: list[dict[str, Any]]) -> list[str]:
    from wrapper.evaluation.metrics import present

    figures = [one["masked"] | one["scenes"] for one in checkpoints]
    metrics = present(set.intersection(*(set(each) for each in figures)))
    losses = [one["loss"].get(stage, {}) for one in checkpoints]
    width = max(len(one["title"]) for one in checkpoints)
    heads = [f"{m.title.removeprefix('masked ')} {m.unit}".strip() for m in metrics]
    heads += ["held-out loss", "training loss"] if all(losses) else []
    lines = [f"{stage:{width}}" + "".join(f"{head:>18}" for head in heads)]
    for one, each, loss in zip(checkpoints, figures, losses, strict=True):
        cells = [f"{each[m.name]['mean']:18.{m.digits}f}" for m in metrics]
        cells += [
            f"{loss[part]['mean']:18.5f}" for part in ("holdout", "train") if all(losses) and part in loss
        ]
        lines.append(f"{one['title']:{width}}" + "".join(cells))
    return lines


def _head(title: str, unit: str) -> str:
    return f"{f'{title} {unit}'.strip():>18}"


def _cell(figures: dict[str, float], digits: int) -> str:
    return f"{figures['mean']:{10}.{digits}f} ± {figures['sd']:5.{digits}f}"
