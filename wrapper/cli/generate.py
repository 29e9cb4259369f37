"""``lorawrap generate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapper.cli.condition_options import condition_options, conditions_of
from wrapper.cli.device_options import device_options, placement_of
from wrapper.cli.hires_options import hires_of, hires_options
from wrapper.cli.options import hold, in_project, next_step, open_project, project_options, stay_on_drive
from wrapper.cli.sampling_options import project_unless_base, random_seed, sampling_options_with_seeds

if TYPE_CHECKING:
    from wrapper.diffusion.txt2img.shooting import Outcome, Shooting
    from wrapper.project.load import Project

ASKS = ("prompts", "prompt_file", "presets", "picture")
"""Each of these says what to draw; without any, it is the project that does."""
LISTED = 20
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("generate")
@project_options
@click.option(
    "--prompt",
    "prompts",
    multiple=True,
    metavar="TEXT",
    help="What to draw, repeatable; <lora:NAME:WEIGHT> works. Without: the project's.",
)
@click.option(
    "--prompts",
    "prompt_file",
    type=_FILE,
    metavar="FILE",
    help="Prompts of a file, in sd-scripts' syntax: a cat --n dog --w 512 --h 768 --d 1 --s 30 --l 7",
)
@click.option(
    "--preset", "presets", multiple=True, metavar="NAME[,KEY=VALUE]…", help="A prompt of the library by name."
)
@click.option(
    "--from",
    "picture",
    type=_FILE,
    metavar="PICTURE",
    help="Draw this picture again from its parameters; other options change them.",
)
@sampling_options_with_seeds
@click.option(
    "--lora-folder",
    "lora_folders",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where LoRAs are looked for by name; repeatable.",
)
@click.option("--clip-skip", type=click.IntRange(1, 12), help="Layer of the text encoder, from the last: 1.")
@click.option("--width", type=click.IntRange(8), help="Pixels, a multiple of 8; by default the base's own.")
@click.option("--height", type=click.IntRange(8), help="Pixels, a multiple of 8; by default the base's own.")
@click.option(
    "--count", type=click.IntRange(1), default=1, show_default=True, help="Pictures, seeds counting up."
)
@hires_options
@condition_options
@device_options
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the pictures: images."
)
@click.option(
    "--format",
    type=click.Choice(("png", "webp", "jpg")),
    default="png",
    show_default=True,
    help="WebP is lossless as PNG is, JPEG is not.",
)
@click.option("--other-models", is_flag=True, help="With --from: also with another base or other LoRAs.")
@click.option("--again", is_flag=True, help="Draw also what is there already with equal parameters.")
@click.option("--dry-run", is_flag=True, help="Say what would be drawn, and how long it will take.")
def command(project: Path, overrides: tuple[str, ...], dry_run: bool, **given: Any) -> None:
    """Draw pictures from text.

    Without --prompt, draw the project's own prompts and seeds, with and without its LoRA, into
    images/txt2img. With --prompt, draw that: with --base anywhere, else with the project's base and LoRA.

    A picture that is in the folder with equal parameters is not drawn again: a batch that was stopped goes
    on when the same command is given once more.
    """
    hires, conditions, placement = hires_of(given), conditions_of(given), placement_of(given)
    if not any(given[name] for name in ASKS):
        _draw_project(project, overrides, given, dry_run)
        return
    from wrapper.diffusion.txt2img.request import Request, shooting_of

    opened = _project(project, overrides, given)
    request = Request(hires=hires, conditions=conditions, placement=placement, **given)
    shooting = shooting_of(request, opened, random_seed())
    shooting.check()
    stay_on_drive(given["out"] or Path())
    for note in shooting.notes:
        click.echo(f"not as it was: {note}", err=True)
    if dry_run:
        _announce(shooting)
    else:
        _draw(shooting)


def _project(folder: Path, overrides: tuple[str, ...], given: dict[str, Any]) -> Project | None:
    """The project; none with --base, nor for a picture that is drawn again outside of any."""
    if given["picture"] and not given["base"] and not (folder / "lorawrap.toml").exists() and not overrides:
        return None
    return project_unless_base(folder, overrides, given["base"])


def _draw_project(folder: Path, overrides: tuple[str, ...], given: dict[str, Any], dry_run: bool) -> None:
    from wrapper.diffusion.txt2img.project_pictures import generate_project

    again = given.pop("again")
    misplaced = [name for name, value in given.items() if value not in (None, (), 1, False, "png")]
    misplaced += ["dry_run"] if dry_run else []
    if misplaced:
        flags = ", ".join(f"--{name.removesuffix('s').replace('_', '-')}" for name in misplaced)
        raise click.UsageError(
            f"{flags} without --prompt: the project's pictures follow its [generate] table. "
            "Give --prompt, or change the table with --set."
        )
    opened = open_project(folder, overrides)
    hold(opened, writes=["pictures"])
    sheet = generate_project(opened, again=again)
    click.echo(f"wrote {sheet.parent / 'txt2img'} and {sheet.name}")
    next_step(f"look at {sheet}, then lorawrap evaluate{in_project(folder)}")


def _announce(shooting: Shooting) -> None:
    """The list of pictures, what is there of them, and the forecast."""
    from dataset_tools.progress import clock

    for place, shot in list(zip(shooting.places, shooting.shots, strict=True))[:LISTED]:
        state = "there" if place.there else f"{shot.sampling.steps} steps"
        click.echo(f"{place.path}  {state}  {shot.size[0]}×{shot.size[1]}  {shot.prompt.text[:60]}")
    if len(shooting.places) > LISTED:
        click.echo(f"… and {len(shooting.places) - LISTED} more")
    seconds = shooting.forecast_s()
    time = f", about {clock(seconds)} on this machine" if seconds is not None else ""
    click.echo(f"{len(shooting.missing)} of {len(shooting.places)} pictures to draw{time}")
    next_step("the same command without --dry-run")


def _draw(shooting: Shooting) -> None:
    from wrapper.diffusion.txt2img.shooting import draw_missing, save_overview

    outcome = draw_missing(shooting)
    there = [place.path for place in shooting.places if place.there]
    if there:
        click.echo(f"{len(there)} with equal parameters there already, such as {there[0]}")
    for path in outcome.drawn:  # not while the bar is on the screen: they would share a line
        click.echo(f"wrote {path}")
    sheet = save_overview(shooting)
    if sheet:
        click.echo(f"wrote {sheet}")
    _fail_if_any(outcome)
    next_step(f"look at {sheet or [*outcome.drawn, *there][-1]}; parameters go into A1111's 'PNG Info'")


def _fail_if_any(outcome: Outcome) -> None:
    from dataset_tools.errors import RunFailed

    failed = outcome.failed
    if len(failed) == 1 and not outcome.drawn:
        raise RunFailed(next(iter(failed.values())))
    if failed:
        lines = [f"  {name}: {why}" for name, why in failed.items()]
        title = f"{len(failed)} of {len(failed) + len(outcome.drawn)} pictures could not be drawn:"
        raise RunFailed("\n".join([title, *lines]), "The same command tries them again.")
