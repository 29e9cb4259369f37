"""``lorawrap masks``: masks made from marked copies, by SAM or drawn; checked, and laid over the pictures."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapper.cli.options import next_step, stay_on_drive

if TYPE_CHECKING:
    from dataset_tools.masking.make import Made
    from dataset_tools.masking.plan import MaskPlans, MaskSettings

SHOWN = 20
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command("masks")
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--from",
    "kind",
    type=click.Choice(["alpha", "colour", "sam", "synthetic"]),
    help="What masks are made from; without it those that are there are checked.",
)
@click.option("--marked", type=_FOLDER, help="Marked copies, by their pictures' names.  [the pictures]")
@click.option("--colour", default="#ff0000", show_default=True, help="What is painted over, as #RRGGBB.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0.0, 100.0),
    default=20.0,
    show_default=True,
    help="How far from the colour (CIE 1976 ΔE) a pixel may be.",
)
@click.option("--sam-model", type=_FOLDER, help="Folder with a SAM model, such as facebook/sam-vit-base.")
@click.option("--grow", type=click.IntRange(0, 256), default=0, help="Grow made masks by so many pixels.")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="For synthetic masks.")
@click.option("--out", type=_FOLDER, help="Folder for made masks.  [masks beside the pictures]")
@click.option(
    "--sheets", type=_FOLDER, default=Path("masks_check"), show_default=True, help="For the sheets."
)
@click.option("--dry-run", is_flag=True, help="Say what would be made, and write nothing.")
def command(source: Path, out: Path | None, sheets: Path, dry_run: bool, **given: Any) -> int:
    """Make masks for the pictures of INPUT (a folder or a manifest), or check those that are there.

    White is the part to repaint. From alpha: the transparent part; from colour: what is painted over in
    --colour; sam and synthetic: the ear_box of the manifest's rows. Every mask is checked against its picture
    (pair, size, polarity, area, border, ear_box) and laid over it on sheets to look at. Exit code 2 when one
    cannot be used.
    """
    from dataset_tools.files import check_place
    from dataset_tools.masking.make import make_masks
    from dataset_tools.masking.plan import plan_masks

    settings = _settings(given)
    plans = plan_masks(source, settings, out)
    if dry_run:
        _preview(plans)
        return 0
    check_place(sheets)
    for place in (source, sheets, *([out] if out else [])):
        stay_on_drive(place)
    made = make_masks(plans, settings, sheets)
    return _told(made, plans, source)


def _settings(given: dict[str, Any]) -> MaskSettings:
    from dataset_tools.masking.marked import parse_colour
    from dataset_tools.masking.plan import MaskSettings

    if given["marked"] and given["kind"] not in ("alpha", "colour"):
        raise click.UsageError("--marked belongs to --from alpha or --from colour.")
    if given["kind"] == "sam" and not given["sam_model"]:
        raise click.UsageError("--from sam needs --sam-model: a folder with a SAM model.")
    if given["kind"] == "colour" and not given["marked"]:
        raise click.UsageError("--from colour needs --marked: painted copies, the pictures stay as they are.")
    return MaskSettings(
        source=given["kind"],
        marked=given["marked"],
        colour=parse_colour(given["colour"]),
        tolerance_de=given["tolerance"],
        sam_model=str(given["sam_model"] or ""),
        grow_px=given["grow"],
        seed=given["seed"],
    )


def _preview(plans: MaskPlans) -> None:
    for job in plans.jobs:
        there = " again, to compare: it is there," if job.makes and job.mask.exists() else ""
        click.echo(f"would {'make' if job.makes else 'check'} {job.mask}{there} for {job.picture.name}")
    for mask in plans.alone:
        click.echo(f"no picture for {mask}")
    for name in plans.without:
        click.echo(f"no mask for {name}")
    click.echo("Nothing was written: this was a dry run.")
    next_step("give the same command without --dry-run")


def _told(made: Made, plans: MaskPlans, source: Path) -> int:
    from dataset_tools.wording import count_of

    for said in made.problems:
        click.secho(f"error: {said}", fg="red", err=True)
    for said in made.warnings[:SHOWN]:
        click.secho(f"warning: {said}", fg="yellow", err=True)
    if len(made.warnings) > SHOWN:
        click.echo(f"and {count_of(len(made.warnings) - SHOWN, 'warning')} more", err=True)
    if plans.without:
        shown = ", ".join(plans.without[:5]) + (", …" if len(plans.without) > 5 else "")
        click.echo(f"{count_of(len(plans.without), 'picture has', 'pictures have')} no mask: {shown}")
    if made.kept:
        click.echo(f"{count_of(made.kept, 'mask was', 'masks were')} there already, just so")
    if made.written:
        click.echo(f"wrote {count_of(len(made.written), 'mask')}, the first {made.written[0]}")
    click.echo(f"{count_of(made.checked, 'mask')} can be used, {len(made.problems)} cannot")
    for sheet in made.sheets:
        click.echo(f"wrote {sheet}")
    if made.sheets:
        next_step(f"look at {made.sheets[0]}: red must lie on what is to be repainted")
    else:
        next_step(f"mend the masks, then lorawrap masks {shlex.quote(str(source))}")
    return 2 if made.problems else 0
