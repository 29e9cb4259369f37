"""The options that the drawing commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wrapper.cli.options import open_project

if TYPE_CHECKING:
    from wrapper.project.load import Project

F = TypeVar("F", bound=Callable[..., Any])

_MODELS = (
    click.option("--base", metavar="PATH|demo", help="Base model; without it, the project's."),
    click.option(
        "--lora",
        "loras",
        multiple=True,
        metavar="FILE[:WEIGHT]",
        help="LoRA file and weight, repeatable; in a project without it, the project's own.",
    ),
    click.option("--negative", metavar="TEXT", help="What the picture should not show."),
)
_ONE_SEED = (
    click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Seed of the noise; random without it."),
)
_MANY_SEEDS = (
    click.option(
        "--seed", "seeds", metavar="N[,N|N-N]…", help="Seeds of the noise: 7, or 1,2,5-8; random without."
    ),
)
_STEPS = (
    click.option("--sampler", metavar="NAME", help="A1111's name: Euler a, DPM++ 2M Karras, DDIM, …"),
    click.option("--steps", type=click.IntRange(1, 1000), help="Denoising steps."),
    click.option("--cfg", type=click.FloatRange(0, 50), help="How strictly the prompt is followed."),
)


def sampling_options(function: F) -> F:
    """Add ``--base --lora --negative --seed --sampler --steps --cfg``; what is not given is None."""
    return _with((*_MODELS, *_ONE_SEED, *_STEPS), function)


def sampling_options_with_seeds(function: F) -> F:
    """The same, but ``--seed`` takes many: parameter ``seeds``, a text."""
    return _with((*_MODELS, *_MANY_SEEDS, *_STEPS), function)


def _with(options: tuple[Callable[[F], F], ...], function: F) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def project_unless_base(folder: Path, overrides: tuple[str, ...], base: str | None) -> Project | None:
    """The project in ``folder``, or None with ``--base``, where ``--set`` would have nothing to set.

    Raises `UserError` for neither.
    """
    from dataset_tools.errors import UserError
    from wrapper.project.layout import PROJECT_FILE

    if not base and not (folder / PROJECT_FILE).exists():
        raise UserError(
            f"{folder}: there is no {PROJECT_FILE} here, and no --base is given.",
            "Give --base PATH (or --base demo) to draw without a project, or --project DIR.",
        )
    if not base:
        return open_project(folder, overrides)
    if overrides:
        raise click.UsageError("--set without a project: --base works without lorawrap.toml.")
    return None


def random_seed() -> int:
    """A seed for a run that named none; it is printed and written into the picture."""
    import secrets

    return secrets.randbelow(2**32)


def first_given(*values: Any) -> Any:
    """The first value that is not None: command line, then project, then default."""
    return next((value for value in values if value is not None), None)
