"""``lorawrap compare``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapper.cli.condition_options import condition_options, conditions_of
from wrapper.cli.device_options import device_options, placement_of
from wrapper.cli.hires_options import hires_of, hires_options
from wrapper.cli.mask_options import mask_of, mask_options
from wrapper.cli.options import next_step, project_options, stay_on_drive
from wrapper.cli.sampling_options import project_unless_base, random_seed

if TYPE_CHECKING:
    from wrapper.comparison.compare import Comparison

MANY = 100
"""More pictures than these are asked about, where there is somebody to answer."""
_FILE = click.Path(path_type=Path, dir_okay=False)
_OPTIONS = (
    click.option("--base", metavar="PATH|demo", help="Base model; without it, the project's."),
    click.option(
        "--lora",
        "loras",
        multiple=True,
        metavar="FILE[:WEIGHT]",
        help="LoRA file and weight, repeatable: the first is compared, the others stay. Else the project's.",
    ),
    click.option("--prompt", "prompts", multiple=True, metavar="TEXT", help="What to draw, repeatable."),
    click.option("--negative", metavar="TEXT", help="What the picture should not show."),
    click.option("--seed", "seeds", multiple=True, metavar="N", help="Repeatable, also 1,2 or 5-8."),
    click.option("--x", metavar="AXIS=VALUES", help="What the columns vary."),
    click.option("--y", metavar="AXIS=VALUES", help="What the rows vary."),
    click.option("--image", type=_FILE, help="Compare by repainting this photograph in its --mask."),
    click.option("--sampler", metavar="NAME", help="A1111's name: Euler a, DPM++ 2M Karras, DDIM, …"),
    click.option("--steps", type=click.IntRange(1, 1000), help="Denoising steps."),
    click.option("--cfg", type=click.FloatRange(0, 50), help="How strictly the prompt is followed."),
    click.option("--clip-skip", type=click.IntRange(1, 12), help="Layer of the text encoder, from the last."),
    click.option("--width", type=click.IntRange(8), help="Pixels, a multiple of 8."),
    click.option("--height", type=click.IntRange(8), help="Pixels, a multiple of 8."),
    click.option("--strength", type=click.FloatRange(0, 1, min_open=True), help="Of the repainting."),
    click.option("--region", type=click.Choice(["masked", "whole"]), help="What the model sees of it."),
    click.option(
        "--fill", type=click.Choice(["original", "fill", "noise"]), help="What lies in the mask at the start."
    ),
    click.option("--padding", type=click.IntRange(0), metavar="PX", help="Margin about the mask."),
    click.option("--mask-blur", type=click.IntRange(0), metavar="PX", help="Width of the soft edge."),
    click.option("--work-size", type=click.IntRange(64), metavar="PX", help="Side that the model works at."),
    click.option(
        "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for page and pictures."
    ),
)


def _comparison_options(function: Any) -> Any:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command("compare")
@project_options
@_comparison_options
@mask_options
@hires_options
@condition_options
@device_options
@click.option("--dry-run", is_flag=True, help="Say how many pictures, LoRA swaps and steps; draw nothing.")
@click.option("--yes", is_flag=True, help="Draw however many pictures it is.")
def command(project: Path, overrides: tuple[str, ...], dry_run: bool, yes: bool, **given: Any) -> None:
    """Show what a LoRA changes: pictures side by side, on a page that zooms.

    Without --x and --y, every prompt and seed is drawn with the base alone and with the LoRA. Otherwise one
    column for each value of --x and one row for each of --y, as in A1111's X/Y/Z plot. Axes: weight,
    checkpoint, lora, prompt, prompt-sr (search and replace), seed, scheduler, cfg, steps, clip-skip,
    strength.

    \b
      --x weight=0.7,0.8,0.9,1.0 --y seed=1-3
      --x "cfg=4-7 [4]" --y "scheduler=Euler a,DDIM"
      --x lora=none,a.safetensors,b.safetensors:0.8
      --x "checkpoint=runs/stage_a-001/output/*" --y 'prompt="a woman, smiling",a man'

    In a project without --prompt: its prompts before and after, its LoRA at 0.7 to 1.0, and the checkpoints
    of its run. Pictures that are there already, with equal parameters, are kept.
    """
    from wrapper.comparison.request import Request, comparison_of

    parts = {"mask": mask_of(given), "hires": hires_of(given), "conditions": conditions_of(given)}
    request = Request(**parts, placement=placement_of(given), **given)
    opened = project_unless_base(project, overrides, request.base)
    comparison = comparison_of(request, opened, random_seed(), lambda text: click.echo(text, err=True))
    comparison.check()
    stay_on_drive(comparison.album.folder)
    _announce(comparison, ask=not yes and not dry_run)
    if dry_run:
        next_step("the same command without --dry-run")
    else:
        next_step(f"open {shlex.quote(str(draw(comparison)))}")


def _announce(comparison: Comparison, *, ask: bool) -> None:
    from wrapper.comparison.compare import forecast

    expected = forecast(comparison)
    click.echo(expected.line())
    if ask and expected.pictures > MANY and sys.stdin.isatty():
        click.confirm("Draw them all?", abort=True)


def draw(comparison: Comparison) -> Path:
    """Draw what is missing, write sheets and page; returns the page. Raises `RunFailed` for failed ones."""
    from dataset_tools.errors import RunFailed
    from wrapper.comparison.compare import draw_missing
    from wrapper.comparison.page import write_page
    from wrapper.comparison.sheets import save_sheets

    outcome = draw_missing(comparison)
    sheets = save_sheets(comparison)
    page = write_page(comparison, outcome.failed)
    for path in (*sheets, page):
        click.echo(f"wrote {path}")
    if outcome.failed:
        lines = [f"  {name}: {why}" for name, why in outcome.failed.items()]
        raise RunFailed(
            "\n".join([f"{len(lines)} of {len(comparison.plan.cells)} pictures could not be drawn:", *lines]),
            f"The others are on {page}.",
        )
    return page
