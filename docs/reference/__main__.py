"""``python -m docs.reference`` writes both pages; ``--check`` says which are not what the code gives."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from docs.reference.commands import commands_page
from docs.reference.configuration import configuration_page

FOLDER = Path(__file__).parents[1]
PAGES = {"COMMANDS.md": commands_page, "CONFIGURATION.md": configuration_page}
AGAIN = "python -m docs.reference"


def changes(name: str) -> list[str]:
    """The lines of ``docs/<name>`` that differ from what the code gives, as a unified diff; empty if none."""
    path = FOLDER / name
    found = path.read_text(encoding="utf-8") if path.is_file() else ""
    made = PAGES[name]()
    return list(
        difflib.unified_diff(found.splitlines(), made.splitlines(), name, "the code", lineterm="", n=0)
    )


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 when a page is out of date.")
def main(check: bool) -> None:
    """Write docs/COMMANDS.md and docs/CONFIGURATION.md."""
    stale = [name for name in PAGES if changes(name)]
    if check and stale:
        raise click.ClickException(f"{', '.join(stale)}: not what the code gives. Write them with `{AGAIN}`.")
    for name in [] if check else stale:
        (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
        click.echo(f"wrote {FOLDER / name}")


if __name__ == "__main__":
    main()
