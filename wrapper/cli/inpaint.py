"""``lorawrap inpaint``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapper.cli.condition_options import condition_options
from wrapper.cli.device_options import device_options
from wrapper.cli.inpaint_given import painter_of, repair_of, settings_of
from wrapper.cli.mask_options import mask_of, mask_options
from wrapper.cli.options import next_step, project_options, stay_on_drive
from wrapper.cli.sampling_options import (
    first_given,
    project_unless_base,
    sampling_options,
)

if TYPE_CHECKING:
    from wrapper.diffusion.inpainting.mask_request import MaskRequest
    from wrapper.diffusion.inpainting.painting import Outcome
    from wrapper.diffusion.inpainting.repair import Painter, Repair

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("inpaint")
@click.option("--image", type=_FILE, help="The photograph, of any size.")
@click.option(
    "--manifest",
    type=click.Path(path_type=Path, exists=True),
    help="Repaint all its rows instead: masks, prompts and negatives are the rows' own.",
)
@click.option("--prompt", metavar="TEXT", help="What belongs there; <lora:NAME:WEIGHT> works.")
@click.option(
    "--preset",
    metavar="NAME[,KEY=VALUE]…",
    help="A prompt of the library by name, with its settings: repair/left, missing/right, …",
)
@click.option("--out", type=click.Path(path_type=Path), help="A new .png, .webp or .jpg; a folder for rows.")
@mask_options
@project_options
@sampling_options
@click.option(
    "--strength", type=click.FloatRange(0, 1, min_open=True), help="1 paints anew, less keeps traces."
)
@click.option(
    "--region",
    type=click.Choice(["masked", "whole"]),
    default="masked",
    show_default=True,
    help="What the model sees, at its full working size: a square about the mask, or the whole picture.",
)
@click.option(
    "--fill",
    type=click.Choice(["original", "fill", "noise"]),
    default="original",
    show_default=True,
    help="What lies in the mask at the start, below strength 1: the picture, the colours around, or noise.",
)
@click.option(
    "--padding", type=click.IntRange(0), metavar="PX", help="Margin about the mask that the model sees."
)
@click.option(
    "--mask-blur", type=click.IntRange(0), metavar="PX", help="Width of the soft edge outside the mask."
)
@click.option("--work-size", type=click.IntRange(64), metavar="PX", help="Side that the model works at.")
@click.option(
    "--count",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Variants, seeds counting up: NAME-SEED.png, and NAME_sheet.png with all of them side by side.",
)
@condition_options
@device_options
@click.option("--save-mask", type=_FILE, metavar="FILE", help="Write the mask that is painted in, as .png.")
@click.option("--preview", type=_FILE, metavar="FILE", help="Draw mask and region as .png; paint nothing.")
@click.option("--dry-run", is_flag=True, help="Read and check everything; paint nothing.")
def command(project: Path, overrides: tuple[str, ...], **given: Any) -> None:
    """Repaint the masked part of a photograph; everything else stays as it is, to the bit.

    The mask is a file, drawn shapes, what Segment Anything finds, or all of them together. The part about it
    is cut out, repainted at the base's own size, and laid back with a soft edge. Size, colour profile and
    EXIF of the photograph are kept. With --base anywhere, else with the project's base, LoRA and [inpaint]
    table.

    With --manifest, every row that has a mask is repainted into the folder --out. The same command goes on
    where it stopped: pictures that are there, made from the same things, are kept.
    """
    mask = mask_of(given)
    if given["out"]:
        stay_on_drive(given["out"])
    given = _with_preset(project, overrides, given)
    if given["manifest"]:
        _repaint_rows(project, overrides, mask, given)
    else:
        _repaint_one(project, overrides, mask, given)


def _with_preset(folder: Path, overrides: tuple[str, ...], given: dict[str, Any]) -> dict[str, Any]:
    """``given`` with what its preset says about everything that is not given itself."""
    if not given["preset"]:
        return given
    from wrapper.diffusion.prompts.library import preset_for

    preset = preset_for("inpaint", given["preset"], project_unless_base(folder, overrides, given["base"]))
    said = {"prompt": preset.text, "negative": preset.negative, "sampler": preset.sampler}
    said |= {"steps": preset.steps, "cfg": preset.cfg, "strength": preset.strength}
    return {**given, **{name: first_given(given[name], value) for name, value in said.items()}}


def _repaint_one(folder: Path, overrides: tuple[str, ...], mask: MaskRequest, given: dict[str, Any]) -> None:
    from wrapper.diffusion.inpainting.repair import check_files

    _need(given, "image")
    if not mask:
        raise click.UsageError(
            "What is repainted? Give --mask FILE, --shape …, or --sam FOLDER with --point."
        )
    looking = given["dry_run"] or given["preview"]
    if not looking:
        _need(given, "prompt", "out")
    if looking and not given["base"] and not (folder / "lorawrap.toml").is_file():
        opened = None  # a mask can be looked at without any model
    else:
        opened = project_unless_base(folder, overrides, given["base"])
    repair, tagged = repair_of(opened, mask, given)
    check_files(repair)
    _look(repair, given, tell=bool(looking))
    if given["dry_run"] and (opened or given["base"]):
        _check_painter(painter_of(opened, given, tagged))
    if looking:
        next_step("the same command without --preview and --dry-run paints it")
        return
    outcome = _run(painter_of(opened, given, tagged), [repair])
    next_step(f"look at {', '.join(map(str, outcome.sheets)) or repair.variants()[0][1]}")


def _repaint_rows(folder: Path, overrides: tuple[str, ...], mask: MaskRequest, given: dict[str, Any]) -> None:
    from dataset_tools.manifests.manifest import read_manifest
    from wrapper.diffusion.inpainting.faults import as_one
    from wrapper.diffusion.inpainting.manifest_repairs import RowDefaults, plan_rows

    _need(given, "out")
    _refuse_with_manifest(mask, given)
    opened = project_unless_base(folder, overrides, given["base"])
    defaults = RowDefaults(
        settings_of(opened, given),
        given["prompt"] or "",
        given["negative"] or "",
        mask,
        given["seed"],
        given["count"],
    )
    manifest = read_manifest(given["manifest"])
    repairs, faults = plan_rows(manifest, given["out"], defaults)
    painter = painter_of(opened, given, [])
    if given["dry_run"]:
        faults += _check_rows(painter, repairs)
    elif repairs:
        faults += _run(painter, repairs, raises=False).faults
    if faults:
        raise as_one(faults, f"{len(faults)} of {len(manifest.rows)} rows could not be repainted:")
    done = "the same command without --dry-run paints them" if given["dry_run"] else f"look at {given['out']}"
    next_step(done)


def _need(given: dict[str, Any], *names: str) -> None:
    missing = [f"--{name}" for name in names if given[name] is None]
    if missing:
        raise click.UsageError(f"Missing option: {', '.join(missing)}.")


def _refuse_with_manifest(mask: MaskRequest, given: dict[str, Any]) -> None:
    """Options that are about one photograph."""
    named = {"--image": given["image"], "--mask": mask.files, "--shape": mask.shapes}
    named |= {"--preview": given["preview"], "--save-mask": given["save_mask"]}
    if mask.sam:
        named["--point and --box"] = mask.sam.points or mask.sam.negative_points or mask.sam.box
    misplaced = [name for name, value in named.items() if value]
    if misplaced:
        raise click.UsageError(f"{', '.join(misplaced)} with --manifest: its rows name pictures and masks.")


def _look(repair: Repair, given: dict[str, Any], *, tell: bool) -> None:
    """Write mask and preview where they are asked for, before anything is painted."""
    from wrapper.diffusion.inpainting.look import look_at

    if tell or given["save_mask"]:
        line = look_at(repair, given["preview"], given["save_mask"], _warn if tell else lambda _: None)
        for path in (given["save_mask"], given["preview"]):
            if path:
                click.echo(f"wrote {path}")
        if tell:
            click.echo(line)


def _check_painter(painter: Painter) -> None:
    from wrapper.diffusion.conditions.conditions import check_conditions
    from wrapper.diffusion.pipelines.opening import check_lora_files

    check_lora_files([use.path for use in painter.loras])
    check_conditions(painter.conditions)


def _check_rows(painter: Painter, repairs: list[Repair]) -> list[Any]:
    """Read every photograph and mask; what would be painted is printed."""
    from dataset_tools.wording import count_of
    from wrapper.diffusion.inpainting.look import look_through

    _check_painter(painter)
    found = look_through(painter, repairs, _warn)
    for line in found.lines:
        click.echo(line)
    click.echo(f"{count_of(found.left, 'picture')} to paint, {found.kept} are there already.")
    return found.faults


def _run(painter: Painter, repairs: list[Repair], *, raises: bool = True) -> Outcome:
    from wrapper.diffusion.inpainting.faults import as_one
    from wrapper.diffusion.inpainting.painting import paint_all
    from wrapper.diffusion.pictures.picture import LOSSY_NOTE, is_lossy

    outcome = paint_all(painter, repairs, _warn)
    if outcome.kept:
        click.echo(
            f"{len(outcome.kept)} of the pictures are there already, made from the same; they are kept"
        )
    for one in outcome.painted:
        click.echo(f"wrote {one.path} (seed {one.seed}, {one.changed:.1%} of the pixels repainted)")
    for sheet in outcome.sheets:
        click.echo(f"wrote {sheet}")
    if any(is_lossy(one.path) for one in outcome.painted):
        _warn(LOSSY_NOTE)
    if raises and outcome.faults:
        raise as_one(outcome.faults)
    return outcome


def _warn(sentence: str) -> None:
    click.echo(sentence, err=True)
