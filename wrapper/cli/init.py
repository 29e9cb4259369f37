"""``lorawrap init``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapper.cli.options import in_project, next_step

if TYPE_CHECKING:
    from wrapper.project.init import NewProject

_FILE = click.Path(path_type=Path)


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--photos", type=_FILE, help="Folder of photographs, or a manifest.")
@click.option(
    "--from",
    "source",
    type=_FILE,
    help="Take over settings and photographs of a Kohya TOML or a kohya_ss JSON preset.",
)
@click.option(
    "--dataset-config", type=_FILE, help="The dataset file that goes with --from, if it names none."
)
@click.option("--dry-run", is_flag=True, help="With --from: say what would be taken over, write nothing.")
@click.option(
    "--job", type=click.Choice(["ear", "face"]), default="face", show_default=True, help="What is wanted."
)
@click.option("--name", default="", show_default="myface", help="Name of the project and its LoRA files.")
@click.option(
    "--trigger", default="", show_default="myface", help="Trigger word, put first in every caption."
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
    folder: Path,
    photos: Path | None,
    source: Path | None,
    dataset_config: Path | None,
    dry_run: bool,
    job: str,
    preset: str | None,
    subject: str,
    consent: str,
    age: str,
    **said: str,
) -> None:
    """Make a project in FOLDER (the current one) for photographs; they stay where they are.

    With --from, a table says where each setting of the other program went, and why some have no place.
    """
    if not source and (dry_run or dataset_config):
        raise click.UsageError("--dry-run and --dataset-config go with --from.")
    rows = {"subject": subject, "consent": consent, "age": age}
    said |= {key: _from_here(said[key]) for key in ("model", "inpaint_model")}
    if source:
        new = _take_over(folder, source, photos, dataset_config, dry_run, preset or "", rows, said)
    elif photos:
        new = _start(folder, photos, job, preset, rows, said)
    else:
        raise click.UsageError("Missing option '--photos' (or '--from').")
    if new:
        _say_next(folder, new)


def _from_here(base: str) -> str:
    """A path that was typed is relative to the folder in which it was typed, not to the project's."""
    path = Path(base).expanduser()
    return path.resolve().as_posix() if base and base != "demo" and path.exists() else base


def _start(
    folder: Path, photos: Path, job: str, preset: str | None, rows: dict[str, str], said: dict[str, str]
) -> NewProject:
    from wrapper.kohya.presets import preset_here
    from wrapper.project.init import NewProject, create
    from wrapper.project.photo_folder import captions_beside

    given: dict[str, Any] = {key: value for key, value in said.items() if value}
    beside = captions_beside(photos)
    if beside.captioned and beside.captioned == beside.photographs:
        given["settings"] = {"captions": "files"}
    place = photos.resolve().as_posix()
    new = NewProject(job=job, photos=place, rows=rows, preset=preset or preset_here(), **given)  # type: ignore[arg-type]
    click.echo(f"wrote {create(folder.resolve(), new)}")
    if beside.captioned:
        click.echo(_about_captions(*beside))
    return new


def _about_captions(photographs: int, captioned: int) -> str:
    """Captions that nobody reads are told at once."""
    if captioned == photographs:
        return f"The captions beside the photographs are used, all {captioned} (captions.source = 'files')."
    said = f"{captioned} of {photographs} photographs have a caption beside them, which is not used"
    return f"{said} (captions.source = 'template'): 'files' takes it, and needs one for each."


def _take_over(
    folder: Path,
    source: Path,
    photos: Path | None,
    dataset_config: Path | None,
    dry_run: bool,
    preset: str,
    rows: dict[str, str],
    said: dict[str, str],
) -> NewProject | None:
    from wrapper.kohya.imports.project import Said, plan, write

    asked = Said(**said, preset=preset, photos=photos, dataset_file=dataset_config, rows=rows)
    planned = plan(source, asked)
    click.echo(planned.trail.table())
    if dry_run:
        next_step(f"the same without --dry-run writes the project into {folder}")
        return None
    click.echo(f"wrote {write(folder.resolve(), planned)}")
    return planned.new


def _say_next(folder: Path, new: NewProject) -> None:
    from wrapper.kohya.presets import read_preset
    from wrapper.project.init import missing_rows

    kind = "sdxl" if new.job == "face" else "sd15"
    for reason in read_preset(new.preset).needs.get(kind, {}).values():
        click.secho(f"Training with preset {new.preset} needs sd-scripts: {reason}.", fg="yellow", err=True)
    if new.model:
        _tell_lacking_base(folder, new.model)
    missing, where = missing_rows(new), in_project(folder)
    if missing:
        next_step(f"fill in {', '.join(missing)} in lorawrap.toml, then lorawrap qc{where}")
    else:
        next_step(f"lorawrap qc{where}, or lorawrap run{where} for the whole job")


def _tell_lacking_base(folder: Path, model: str) -> None:
    from wrapper.project.load import SHIPPED_BASE

    path = (folder / Path(model).expanduser()).resolve()
    if model != SHIPPED_BASE and not path.exists():
        said = f"There is no {path} yet: put the base model there, or name another in [base] model."
        click.secho(said, fg="yellow", err=True)
