"""``lorawrap init``."""

from __future__ import annotations

from pathlib import Path

import click

from wrapper.cli.options import in_project, next_step


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option(
    "--photos", required=True, type=click.Path(path_type=Path), help="Folder of photographs, or a manifest."
)
@click.option(
    "--job", type=click.Choice(["ear", "face"]), default="face", show_default=True, help="What is wanted."
)
@click.option("--name", default="myface", show_default=True, help="Name of the project and its LoRA files.")
@click.option(
    "--trigger", default="myface", show_default=True, help="Trigger word, put first in every caption."
)
@click.option(
    "--class-word", default="", help="What the subject is one of; woman for a face, person for an ear."
)
@click.option(
    "--preset",
    type=click.Choice(["8gb", "12gb", "16gb", "24gb", "cpu"]),
    help="Training preset by GPU memory; this machine's if left out.",
)
@click.option("--subject", default="", help="Whose photographs these are.")
@click.option("--consent", default="", help="Where the subject's consent is recorded.")
@click.option("--age", default="", help="Age bucket: 18-22, 23-25, 26-30 or 31-35.")
@click.option(
    "--base", "model", default="", help="Base model: a diffusers folder, a .safetensors file, or demo."
)
@click.option(
    "--inpaint-base", "inpaint_model", default="", help="Inpainting base with nine channels, likewise."
)
def command(
    folder: Path, photos: Path, preset: str | None, subject: str, consent: str, age: str, **said: str
) -> None:
    """Make a project in FOLDER (the current one) for photographs; they stay where they are."""
    from wrapper.kohya.presets import preset_here
    from wrapper.project.init import NewProject, create, missing_rows

    rows = {"subject": subject, "consent": consent, "age": age}
    new = NewProject(photos=photos.resolve().as_posix(), rows=rows, preset=preset or preset_here(), **said)
    path = create(folder.resolve(), new)
    click.echo(f"wrote {path}")
    missing, where = missing_rows(new), in_project(folder)
    if missing:
        next_step(f"fill in {', '.join(missing)} in {path.name}, then lorawrap qc{where}")
    else:
        next_step(f"lorawrap qc{where}, or lorawrap run{where} for the whole job")
