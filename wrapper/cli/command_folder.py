"""A group of commands, each a module of one package, imported when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click


class CommandFolder(click.Group):
    """``names`` are modules of ``package`` with a ``command`` each; a mistyped name gets the nearest one."""

    def __init__(self, *args: Any, package: str, names: Sequence[str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.package, self.names = package, tuple(names)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.names:
            return None
        return import_module(f"{self.package}.{cmd_name}").command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self.names:
            from dataset_tools.errors import did_you_mean

            raise click.UsageError(
                f"There is no command '{name}'. {did_you_mean(name, self.names)}".strip(), ctx
            )
        return super().resolve_command(ctx, args)
