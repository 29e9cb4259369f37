"""``lorawrap demo``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapper.cli.options import hold, in_project, next_step

if TYPE_CHECKING:
    from wrapper.project.load import Project


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for the demo's project; an interrupted demo goes on there.",
)
@click.option(
    "--photos-only", is_flag=True, help="Draw the photographs and write the project; leave the steps to me."
)
def command(out: Path, photos_only: bool) -> None:
    """The main job on drawn photographs, in minutes, without a GPU or a network."""
    from dataset_tools.files import check_place
    from dataset_tools.system.processors import set_threads
    from wrapper.demo.world import write_world
    from wrapper.project.load import load_project
    from wrapper.project.lock import PARTS
    from wrapper.steps.job import run_job

    check_place(out)
    write_world(out)
    if photos_only:
        next_step(f"lorawrap qc{in_project(out)}, or lorawrap run{in_project(out)} for the whole job")
        return
    set_threads(1)  # on so small a model a second thread waits more than it works
    project = load_project(out)
    hold(project, writes=PARTS)
    run_job(project)
    compared = out / _weights(project).relative_to(project.paths.root)
    pages = " and ".join(shlex.quote(str(page)) for page in (out / "report.html", compared))
    next_step(f"open {pages}, then `lorawrap init` for photographs of your own")


def _weights(project: Project) -> Path:
    """The pictures of the LoRA at 0.7 to 1.0, on a page that zooms."""
    from wrapper.cli.compare import draw
    from wrapper.comparison.request import Request, comparison_of

    prompt = project.settings.generate.prompts[0]
    asked = Request(prompts=(prompt,), x="weight=0.7,0.8,0.9,1.0", y="seed=1,2")
    return draw(comparison_of(asked, project, 0, click.echo))
