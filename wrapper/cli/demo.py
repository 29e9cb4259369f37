"""``lorawrap demo``."""

from __future__ import annotations

from pathlib import Path

import click

from wrapper.cli.options import next_step


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for the demo's project; an interrupted demo goes on there.",
)
def command(out: Path) -> None:
    """The main job on drawn photographs, in minutes, without a GPU or a network."""
    from dataset_tools.files import check_place
    from dataset_tools.processors import set_threads
    from wrapper.demo.world import write_world
    from wrapper.project.load import load_project
    from wrapper.steps.job import run_job

    set_threads(
        1
    )  # on so small a model a second thread waits more than it works, above all on a busy machine
    check_place(out)
    write_world(out)
    run_job(load_project(out))
    next_step(f"open {out / 'report.html'}, then `lorawrap init` for photographs of your own")
