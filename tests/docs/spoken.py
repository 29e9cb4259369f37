"""Commands that a guide only mentions: their names and options are looked up, nothing is run."""

from __future__ import annotations

import re
import shlex

import click

from wrapper.cli.main import cli

_SPAN = re.compile(r"`(lorawrap [^`]+)`")
_BLOCK = re.compile(r"^```(?:sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^(?:\$ )?(lorawrap .*)$", re.MULTILINE)


def spoken(text: str) -> list[str]:
    """Every ``lorawrap …`` in code spans and in blocks of shell commands, as one line each."""
    blocks = [block.replace("\\\n", " ") for block in _BLOCK.findall(text)]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    spans = [" ".join(span.split()) for span in _SPAN.findall(prose)]
    return [*spans, *(line for block in blocks for line in _LINE.findall(block))]


def fault(line: str) -> str:
    """Why there is no such command line, or an empty text. Values are not looked at."""
    command: click.Command = cli
    for word in shlex.split(line, comments=True)[1:]:
        if isinstance(command, click.Group) and not word.startswith("-"):
            if word == "…" or word.isupper():
                return ""  # stands for any command
            found = command.get_command(click.Context(command), word)
            if found is None:
                return f"{line}: there is no command {word}"
            command = found
        elif word.startswith("--") and word.split("=")[0] not in _options(command):
            return f"{line}: there is no option {word}"
    return ""


def _options(command: click.Command) -> set[str]:
    names = (name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts))
    return {*names, "--help", "--version"}
