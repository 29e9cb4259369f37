"""docs/COMMANDS.md: every command with its arguments and options, from click's own objects."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from docs.reference.markdown import code, fence, page, prose, table
from wrapper.cli.main import cli

INTRODUCTION = """\
# Commands

What `lorawrap COMMAND --help` says, on one page. Made from the code by `python -m docs.reference`; don't
edit it. The keys of `lorawrap.toml` that `--set` sets are in [CONFIGURATION.md](CONFIGURATION.md)."""
_RANGE = re.compile(r" RANGE\b")


def commands_page() -> str:
    """The whole page."""
    context = click.Context(cli, info_name="lorawrap")
    found = list(_walk(cli, context))
    return page(INTRODUCTION, _contents(found), *(_section(command, at) for command, at in found))


def _walk(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """Every command below ``group``, in the order of ``--help``; a group's own come right behind it."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        inner = click.Context(command, info_name=name, parent=context)
        yield command, inner
        if isinstance(command, click.Group):
            yield from _walk(command, inner)


def _contents(found: list[tuple[click.Command, click.Context]]) -> str:
    rows = [(_link(at.command_path), prose(command.get_short_help_str(200))) for command, at in found]
    return table(("command", "what it does"), rows)


def _link(path: str) -> str:
    name = path.removeprefix("lorawrap ")
    return f"[`{name}`](#{path.replace(' ', '-')})"


def _section(command: click.Command, context: click.Context) -> str:
    level = "#" * context.command_path.count(" ")
    return page(
        f"#{level} {context.command_path}",
        fence(" ".join([context.command_path, *command.collect_usage_pieces(context)])),
        _help(command),
        "" if isinstance(command, click.Group) else _options(command, context),
    )


def _help(command: click.Command) -> str:
    r"""The help text; what stands behind ``\b`` keeps its lines."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    return "\n\n".join(
        fence(text.removeprefix("\b\n")) if text.startswith("\b") else prose(text) for text in paragraphs
    )


def _options(command: click.Command, context: click.Context) -> str:
    options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    rows = [_row(option, context) for option in options if "--help" not in option.opts]
    return table(("option", "what it does", "default", "values"), rows)


def _row(option: click.Option, context: click.Context) -> tuple[str, str, str, str]:
    record = option.get_help_record(context)
    assert record is not None, f"{option.name} is hidden"
    extra = option.get_help_extra(context)
    values = [extra.get("range", ""), "repeatable" if option.multiple else "", extra.get("required", "")]
    name = code(_RANGE.sub("", record[0]))
    return name, prose(option.help or ""), extra.get("default", ""), ", ".join(filter(None, values))
