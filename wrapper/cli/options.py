"""What several commands share: where the project is, overrides, and the next step."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from wrapper.project.load import Project
    from wrapper.project.lock import Part

F = TypeVar("F", bound=Callable[..., Any])


def project_options(function: F) -> F:
    """Add ``--project DIR`` (parameter ``project: Path``) and ``--set`` (parameter ``overrides``)."""
    overrides = click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Set one value of lorawrap.toml for this run, e.g. --set stage_a.kohya.learning_rate=1e-4.",
    )
    project = click.option(
        "--project",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(),
        show_default="the current folder",
        help="Folder with lorawrap.toml.",
    )
    return project(overrides(function))


def open_project(folder: Path, overrides: tuple[str, ...]) -> Project:
    """The project in ``folder``; raises `UserError` for anything wrong with its file."""
    from dataset_tools.system.ground import working_in
    from wrapper.project.load import load_project

    opened = load_project(folder, overrides)
    click.get_current_context().with_resource(working_in(opened.paths.root))
    return opened


def hold(project: Project, *, writes: Sequence[Part] = (), reads: Sequence[Part] = ()) -> None:
    """Keep parts of ``project`` from other commands until this one ends; `UserError` when one has them."""
    from wrapper.project.lock import held_in

    context = click.get_current_context()
    context.with_resource(held_in(project.paths, context.command_path, writes=writes, reads=reads))


def hold_place(cache: Path, part: Part) -> None:
    """As `hold`, where there is no project: its locks lie below ``cache``."""
    from dataset_tools.system.ground import working_in
    from wrapper.project.lock import held

    context = click.get_current_context()
    context.with_resource(held(cache, context.command_path, writes=[part]))
    context.with_resource(working_in(cache.parent))


def stay_on_drive(path: Path) -> None:
    """Until this command ends, nothing is written to ``path`` when the drive that it is on is gone."""
    from dataset_tools.system.ground import working_in

    place = path.absolute()
    ground = next(one for one in (place, *place.parents) if one.is_dir())
    click.get_current_context().with_resource(working_in(ground))


def in_project(folder: Path) -> str:
    """`` --project DIR`` to be pasted behind a command; nothing for the current folder."""
    return "" if folder == Path() else f" --project {shlex.quote(str(folder))}"


def next_step(text: str) -> None:
    """Print the one thing that a user would do now; names in it steer no terminal."""
    from dataset_tools.printable import printable

    click.echo(click.style("next: ", bold=True) + printable(text))
