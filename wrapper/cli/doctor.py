"""``lorawrap doctor``."""

from __future__ import annotations

from pathlib import Path

import click

from wrapper.cli.findings import show_findings
from wrapper.cli.options import next_step


@click.command("doctor")
@click.option(
    "--project",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    show_default="the current folder",
    help="Folder where the work will be.",
)
def command(project: Path) -> int:
    """Say what this machine has, what is missing, and what to do about it."""
    from wrapper.doctor import examine

    faults = show_findings(examine(project.resolve()))
    next_step("mend the faults above" if faults else "lorawrap demo, or lorawrap init")
    return 2 if faults else 0
