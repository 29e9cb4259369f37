"""``lorawrap sweep``: one file a command."""

from __future__ import annotations

import click

from wrapper.cli.command_folder import CommandFolder

NAMES: tuple[str, ...] = ("run", "show", "list", "adopt", "cancel")


@click.group("sweep", cls=CommandFolder, package="wrapper.cli.sweep", names=NAMES)
def command() -> None:
    """Many runs of one project that differ in their settings: queued, measured alike, and ranked."""
