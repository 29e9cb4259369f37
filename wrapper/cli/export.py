"""``lorawrap export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapper.cli.options import hold, next_step, open_project, project_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wrapper.export.export import Exported
    from wrapper.export.job import Job
    from wrapper.export.plan import Plan
    from wrapper.export.targets import TargetName


@click.command("export")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--to",
    "targets",
    multiple=True,
    type=click.Choice(["a1111", "forge", "comfyui", "diffusers", "folder"]),
    help="For which program (repeatable); in a project, its [export] targets otherwise.",
)
@click.option(
    "--dest",
    "dests",
    multiple=True,
    type=click.Path(),
    help="The program's own folder, the one that has models/ in it, or its LoRA folder. With several --to: "
    "one for each, in their order, or one for all with <program>/ in it. In a project: export/ otherwise.",
)
@click.option("--name", help="What the LoRA is called there, as in <lora:NAME:1>.")
@click.option("--subfolder", default="", help="Below the LoRA folder, such as people/faces.")
@click.option(
    "--precision",
    type=click.Choice(["fp16", "bf16", "fp32"]),
    help="Of the weights.  [default: fp16, in a project its own]",
)
@click.option("--base", help="With FILE: the base model that it was trained on, to prove the LoRA on it.")
@click.option("--trigger", help="The words that call it up; what FILE says otherwise.")
@click.option("--description", help="What A1111 shows beside it.")
@click.option("--weight", type=float, help="The preferred weight.  [default: 1, or what is known]")
@click.option("--negative", help="The negative prompt that goes with it.")
@click.option("--notes", help="A1111's notes.")
@click.option("--preview", type=click.Path(path_type=Path), help="A picture made with it.")
@click.option(
    "--checkpoint",
    metavar="last|FILE",
    help="In a project: this one of a stage's checkpoints, not the one that `evaluate --choose` chose.",
)
@click.option("--force", is_flag=True, help="Write over files that are there.")
@click.option(
    "--dry-run", is_flag=True, help="Only say which files would go where, and what stands against it."
)
@project_options
def command(
    file: Path | None,
    targets: tuple[str, ...],
    dests: tuple[str, ...],
    name: str | None,
    subfolder: str,
    base: str | None,
    preview: Path | None,
    checkpoint: str | None,
    force: bool,
    dry_run: bool,
    project: Path,
    overrides: tuple[str, ...],
    **words: Any,
) -> None:
    """Deliver a LoRA to A1111, Forge, ComfyUI, diffusers or a folder, and prove that it works there.

    FILE is any LoRA of SD 1.5 or SDXL: Kohya's, PEFT's, diffusers', LyCORIS', OneTrainer's, ai-toolkit's.
    Without it, the LoRAs that this project trained. Nothing that is there is overwritten, and nothing is
    delivered unless every proof holds.
    """
    from wrapper.export.job import project_job
    from wrapper.export.targets import check_targets

    _check_together(file, base, checkpoint, overrides)
    folders = _folders(dests)
    _check_preview(preview)
    told: dict[str, Any] = {key: value for key, value in words.items() if value is not None}
    told |= {"preview": preview} if preview else {}
    if file is None:
        opened = open_project(project, overrides)
        names = check_targets(targets or opened.settings.export.targets)
        asked = {"name": name, "checkpoint": checkpoint, **told}
        job = project_job(opened, names, folders, subfolder=subfolder, **asked)
        if job.own is not None and not dry_run:
            hold(opened, writes=["export"])
    else:
        job = _file_job(file, check_targets(targets), folders, subfolder, base, {"name": name, **told})
    if dry_run:
        _show_plan(job.plan(force=force))
        return
    done = job.run(force=force)
    for exported in done:
        _show(exported)
    next_step(_how_to_use(done))


def _check_together(
    file: Path | None, base: str | None, checkpoint: str | None, overrides: tuple[str, ...]
) -> None:
    """Options that would be ignored are refused."""
    if file is None and base:
        raise click.UsageError(
            "--base goes with FILE: a project's LoRAs are proved on the project's own base."
        )
    if file is not None and checkpoint:
        raise click.UsageError("--checkpoint goes without FILE: it chooses among a project's own.")
    if file is not None and overrides:
        raise click.UsageError("--set goes without FILE: it changes a project's settings.")


def _folders(dests: Sequence[str]) -> list[Path]:
    """An empty one is a shell variable that was not set, not the current folder."""
    from dataset_tools.errors import UserError

    if not all(dests):
        raise UserError("--dest is empty.", "Give the program's folder, or . for the current one.")
    return [Path(dest) for dest in dests]


def _check_preview(preview: Path | None) -> None:
    from dataset_tools.errors import UserError

    if preview is None:
        return
    if not preview.is_file():
        raise UserError(f"{preview}: there is no such picture.", "Give a PNG, JPEG or WebP file.")
    from dataset_tools.pictures.images import read_rgb

    read_rgb(preview)


def _file_job(
    file: Path,
    targets: Sequence[TargetName],
    dests: Sequence[Path],
    subfolder: str,
    base: str | None,
    asked: dict[str, Any],
) -> Job:
    from dataset_tools.errors import UserError
    from wrapper.diffusion.pipelines.opening import named_base
    from wrapper.export.foreign_file import wish_for
    from wrapper.export.job import Job, find_places, with_checkpoint
    from wrapper.export.plan import Order

    if not dests:
        raise UserError("No place to export to.", "Give the program's folder with --dest DIR.")
    wish, info = wish_for(file, **asked), named_base(base, "txt2img") if base else None
    order = Order(with_checkpoint(wish, info) if info else wish, info)
    return Job([order], find_places(targets, dests, subfolder))


def _show_plan(plan: Plan) -> None:
    """Every file with its place; raises `UserError` with what stands against it."""
    from dataset_tools.printable import printable
    from dataset_tools.wording import count_of

    for one in plan.loras:
        click.secho(
            f"{one.order.wish.name} ({one.source.spelling}, {count_of(len(one.source.modules), 'module')})",
            bold=True,
        )
        for item in one.items:
            click.echo(f"  would write {item.role}: {item.path}")
        for note in one.notes:
            click.secho(f"  {printable(note)}", fg="yellow")
    plan.raise_if_refused("This would be refused:")
    next_step("the same command without --dry-run")


def _show(exported: Exported) -> None:
    """The table of what was proved, and the files."""
    from dataset_tools.printable import printable

    click.secho(f"{exported.wish.name} ({exported.spelling})", bold=True)
    width = max(len(proof.what) for proof in exported.proofs)
    for proof in exported.proofs:
        click.echo(f"  {click.style('✓', fg='green')} {proof.what:<{width}}  {proof.detail}")
    for file in exported.files:
        click.echo(f"  {file.role}: {file.path}")
        if file.hashes:
            click.echo("    " + ", ".join(f"{name} {value[:16]}" for name, value in file.hashes.items()))
    for note in [*exported.notes, *filter(None, [exported.taken_back])]:
        click.secho(f"  {printable(note)}", fg="yellow")


def _how_to_use(done: Sequence[Exported]) -> str:
    from dataset_tools.printable import one_line

    wish, targets = done[0].wish, {target for file in done[0].files for target in file.targets}
    if targets & {"a1111", "forge"}:
        program = "A1111" if "a1111" in targets else "Forge"
        tag = f"<lora:{wish.name}:{wish.weight:g}> {one_line(wish.trigger)}".rstrip()
        return f"write {tag} in {program}'s prompt"
    if "comfyui" in targets:
        return f"open {wish.name}_{wish.workflows[0]} from ComfyUI's workflows"
    lora = next(file.path for file in done[0].files if file.role == "LoRA")
    if "diffusers" in targets:
        return f'pipeline.load_lora_weights("{lora.parent}", weight_name="{lora.name}")'
    return f"put {lora.name} and what lies beside it where your program keeps LoRAs"
