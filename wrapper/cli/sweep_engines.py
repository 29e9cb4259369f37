"""Where a sweep's trials run: this machine's GPUs, a Ray cluster, or Slurm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    from wrapper.sweep.engines import Engine

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_OPTIONS = (
    click.option(
        "--gpus",
        default="",
        metavar="N|all|0,2",
        help="On how many GPUs of this machine, or on which, a trial on each. One without it.",
    ),
    click.option(
        "--per-gpu", type=click.IntRange(1), default=1, show_default=True, help="Trials at once on each GPU."
    ),
    click.option("--at-once", type=click.IntRange(1), help="Trials at once where there is no GPU."),
    click.option(
        "--ray",
        metavar="ADDRESS",
        help="On a Ray cluster: auto, local or HOST:PORT. Its nodes need this program, and the project under "
        "the same path.",
    ),
    click.option(
        "--gpu-share",
        type=click.FloatRange(0, 1),
        help="With --ray: the part of a GPU that a trial takes. A whole one where there are any.",
    ),
    click.option(
        "--cpus",
        type=click.FloatRange(0, min_open=True),
        help="With --ray: the processors that a trial takes.  [1]",
    ),
    click.option("--slurm", is_flag=True, help="On Slurm: a job for each trial, through submitit."),
    click.option(
        "--slurm-set",
        multiple=True,
        metavar="KEY=VALUE",
        help="With --slurm: what a job asks for, as partition=gpu or gpus_per_node=1.",
    ),
)
_NAMES = ("gpus", "per_gpu", "at_once", "ray", "gpu_share", "cpus", "slurm", "slurm_set")


@dataclass(frozen=True)
class Where:
    """An engine, made for the sweep's folder; ``device`` of its trials, None where this machine says it.

    ``look`` raises the `UserError` that the engine would begin with, and says how many trials there is room
    for at once, None where that is not known; nothing is begun. ``stop`` ends the trials of an engine that
    leaves them running when it is closed.
    """

    title: str
    engine: Callable[[Path], Engine]
    look: Callable[[Path], int | None]
    device: Literal["cpu", "cuda"] | None = None
    stop: Callable[[Path], object] = lambda _: None


def engine_options(function: F) -> F:
    """Add the options; `where_of` takes them out of the command's parameters again."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def where_of(given: dict[str, Any]) -> Where:
    """What the options ask for. Raises `UserError` for what cannot be, `click.UsageError` for a mixture."""
    asked = {name: given.pop(name) for name in _NAMES}
    _refuse_mixture(asked)
    if asked["ray"]:
        return _ray(asked["ray"], asked["gpu_share"], asked["cpus"])
    return _slurm(asked["slurm_set"]) if asked["slurm"] else _here(asked)


def _refuse_mixture(asked: dict[str, Any]) -> None:
    here = [f"--{name.replace('_', '-')}" for name in ("gpus", "at_once") if asked[name]]
    here += ["--per-gpu"] if asked["per_gpu"] > 1 else []
    if asked["ray"] and asked["slurm"]:
        raise click.UsageError("--ray and --slurm: a sweep runs in one place.")
    if here and (asked["ray"] or asked["slurm"]):
        raise click.UsageError(f"{here[0]} is for this machine; leave it out with --ray and --slurm.")
    if not asked["ray"] and (asked["gpu_share"] is not None or asked["cpus"] is not None):
        raise click.UsageError("--gpu-share and --cpus belong to --ray.")
    if asked["slurm_set"] and not asked["slurm"]:
        raise click.UsageError("--slurm-set belongs to --slurm.")


def _here(asked: dict[str, Any]) -> Where:
    from wrapper.launch.command import visible_gpus
    from wrapper.sweep.engines.local import by_slots
    from wrapper.sweep.engines.slots import slots

    found = slots(visible_gpus(), asked["gpus"], asked["per_gpu"], asked["at_once"] or 0)
    places = ", ".join(slot.where for slot in found[:4]) + (", …" if len(found) > 4 else "")
    return Where(
        f"here, {len(found)} at once ({places})",
        lambda folder: _unless_queued(folder, by_slots(found)),
        lambda folder: _unless_queued(folder, len(found)),
    )


def _ray(address: str, gpu_share: float | None, cpus: float | None) -> Where:
    from wrapper.sweep.engines.ray_cluster import by_ray, look

    engine = by_ray(address, gpu_share=gpu_share, cpus=cpus or 1)
    device: Literal["cpu", "cuda"] | None = {None: None, 0.0: "cpu"}.get(gpu_share, "cuda")  # type: ignore[assignment]
    return Where(
        f"on the Ray cluster at {address}",
        lambda folder: _unless_queued(folder, engine),
        lambda folder: _unless_queued(folder, look(address, gpu_share=gpu_share, cpus=cpus or 1)),
        device,
    )


def _unless_queued(folder: Path, found: T) -> T:
    """``found``, but what Slurm has of the sweep in ``folder`` must not run twice."""
    from wrapper.sweep.engines.slurm import refuse_queued

    refuse_queued(folder)
    return found


def _slurm(given: tuple[str, ...]) -> Where:
    from wrapper.sweep.engines.slurm import by_slurm, cancel_queued, look
    from wrapper.sweep.engines.slurm_settings import settings_of

    settings = settings_of(given)
    asks = any("gpu" in name or "gres" in name for name in settings)
    device: Literal["cuda"] | None = "cuda" if asks else None
    return Where(
        "on Slurm",
        lambda folder: by_slurm(folder, settings=settings),
        lambda folder: look(folder, settings),
        device,
        stop=cancel_queued,
    )
