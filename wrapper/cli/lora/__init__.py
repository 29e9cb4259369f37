"""``lorawrap lora``: one file a command."""

from __future__ import annotations

import click

from wrapper.cli.command_folder import CommandFolder

NAMES: tuple[str, ...] = ("info", "merge", "resize", "extract", "convert", "edit")


@click.group("lora", cls=CommandFolder, package="wrapper.cli.lora", names=NAMES)
def command() -> None:
    """LoRA files of any spelling: looked at, merged, resized, extracted, converted, edited."""
