"""``lorawrap export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapper.cli.options import next_step, open_project, project_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wrapper.export.export import Exported
    from wrapper.export.targets import TargetName


@click.command("export")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--to",
    "targets",
    multiple=True,
    type=click.Choice(["a1111", "comfyui"]),
    help="For which program (repeatable); in a project, its [export] targets otherwise.",
)
@click.option(
    "--dest",
    type=click.Path(path_type=Path),
    help="The program's own folder, the one that has models/ in it; with several programs, a folder for "
    "<program>/ each. In a project: export/ otherwise.",
)
@click.option("--name", help="What the LoRA is called there, as in <lora:NAME:1>.")
@click.option("--base", help="With FILE: the base model that it was trained on, to prove the LoRA on it.")
@click.option("--trigger", default="", help="With FILE: the words that call it up.")
@click.option("--preview", type=click.Path(path_type=Path), help="A picture made with it.")
@click.option(
    "--checkpoint",
    metavar="last|FILE",
    help="In a project: this one of a stage's checkpoints, not the one that `evaluate --choose` chose.",
)
@click.option("--force", is_flag=True, help="Write over files that are there.")
@project_options
def command(
    file: Path | None,
    targets: tuple[str, ...],
    dest: Path | None,
    name: str | None,
    base: str | None,
    trigger: str,
    preview: Path | None,
    checkpoint: str | None,
    force: bool,
    project: Path,
    overrides: tuple[str, ...],
) -> None:
    """Deliver a LoRA to A1111 or ComfyUI, and prove that it works there.

    FILE is any Kohya LoRA of SD 1.5 or SDXL; without it, the LoRAs that this project trained. Nothing that
    is there is overwritten, and nothing is delivered unless every proof holds.
    """
    from wrapper.export.targets import check_targets

    _check_preview(preview)
    if file is None:
        from wrapper.export.job import export_project

        opened = open_project(project, overrides)
        names = check_targets(targets or tuple(opened.settings.export.targets))
        own = {"name": name, "force": force, "preview": preview, "checkpoint": checkpoint}
        done = export_project(opened, names, dest, **own)
    else:
        done = _export_file(file, check_targets(targets), dest, name, base, trigger, preview, force)
    for exported in done:
        _show(exported)
    next_step(_how_to_use(done))


def _check_preview(preview: Path | None) -> None:
    from dataset_tools.errors import UserError

    if preview is None:
        return
    if not preview.is_file():
        raise UserError(f"{preview}: there is no such picture.", "Give a PNG, JPEG or WebP file.")
    from dataset_tools.pictures.images import read_rgb

    read_rgb(preview)


def _export_file(
    file: Path,
    targets: Sequence[TargetName],
    dest: Path | None,
    name: str | None,
    base: str | None,
    trigger: str,
    preview: Path | None,
    force: bool,
) -> list[Exported]:
    from dataset_tools.errors import UserError
    from wrapper.diffusion.pipelines.opening import named_base
    from wrapper.export.delivery import Wish
    from wrapper.export.export import Order, export
    from wrapper.export.job import destinations_for

    if dest is None:
        raise UserError("No place to export to.", "Give the program's folder with --dest DIR.")
    wish = Wish(file, name or file.stem, trigger=trigger, prompt=trigger, preview=preview)
    info = named_base(base, "txt2img") if base else None
    return export([Order(wish, info)], destinations_for(targets, dest, alone=True), force=force)


def _show(exported: Exported) -> None:
    """The table of what was proved, and the files."""
    click.secho(exported.wish.name, bold=True)
    width = max(len(proof.what) for proof in exported.proofs)
    for proof in exported.proofs:
        click.echo(f"  {click.style('✓', fg='green')} {proof.what:<{width}}  {proof.detail}")
    for file in exported.files:
        click.echo(f"  {file.role}: {file.path}")
    for note in exported.notes:
        click.secho(f"  {note}", fg="yellow")


def _how_to_use(done: Sequence[Exported]) -> str:
    wish = done[0].wish
    if any(file.target == "a1111" for file in done[0].files):
        return f"write <lora:{wish.name}:{wish.weight:g}> {wish.trigger}".rstrip() + " in A1111's prompt"
    return f"open {wish.name}_{wish.uses[0]} from ComfyUI's workflows"
