"""``lorawrap doctor``."""

from __future__ import annotations

from pathlib import Path

import click

from wrapper.cli.options import next_step

_MARKS = {"ok": ("ok   ", "green"), "note": ("note ", "yellow"), "fault": ("FAULT", "red")}


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

    faults = 0
    for finding in examine(project.resolve()):
        text, colour = _MARKS[finding.level]
        click.echo(f"{click.style(text, fg=colour)}  {finding.subject}: {finding.text}")
        if finding.hint:
            click.echo(f"       → {finding.hint}")
        faults += finding.level == "fault"
    next_step("mend the faults above" if faults else "lorawrap demo, or lorawrap init")
    return 2 if faults else 0
