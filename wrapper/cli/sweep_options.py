"""What `lorawrap sweep show | cancel` share: which sweep, and where the project is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def project_option(function: F) -> F:
    """Add ``--project DIR`` (parameter ``project: Path``)."""
    return click.option(
        "--project",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(),
        show_default="the current folder",
        help="Folder with lorawrap.toml.",
    )(function)


def name_and_project(function: F) -> F:
    """Add the argument NAME and ``--project``."""
    return click.argument("name")(project_option(function))
