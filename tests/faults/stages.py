"""The stages of a job that are disturbed: which command, from which state of the project, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.worlds import World

Sign = Callable[[World], bool]


def _train_again(world: World) -> list[str]:
    states = world.project.glob("runs/stage_a-*/output/*-state")
    return ["train", "stage_a", *(["--resume"] if any(states) else [])]


def _log(world: World) -> str:
    logs = sorted(world.project.glob("runs/stage_a-*/log.txt"))
    return logs[-1].read_text(encoding="utf-8") if logs else ""


def at_once(_world: World) -> bool:
    return True


def caches(world: World) -> bool:
    return any(world.project.glob(".lorawrap/latents/*"))


def trains(world: World) -> bool:
    return "steps: " in _log(world)


def saves(world: World) -> bool:
    return any(any(folder.iterdir()) for folder in world.project.glob("runs/*/output"))


@dataclass(frozen=True)
class Stage:
    """``argv`` begins on the world kept as ``ready``; moments are drawn from ``sign`` to ``until``.

    Without ``until`` they are drawn to the end. ``again``: what a user would type after it was cut off.
    """

    name: str
    ready: str
    argv: tuple[str, ...]
    sign: Sign = at_once
    until: Sign | None = None
    again: Callable[[World], list[str]] | None = None

    def next_start(self, world: World) -> list[str]:
        return self.again(world) if self.again else list(self.argv)


STAGES = {
    stage.name: stage
    for stage in (
        Stage("qc", "drawn", ("qc", "--workers", "1")),
        Stage("build", "qc", ("build",)),
        Stage("caching", "render", ("train", "stage_a"), caches, trains, _train_again),
        Stage("training", "render", ("train", "stage_a"), trains, None, _train_again),
        Stage("saving", "render", ("train", "stage_a"), saves, None, _train_again),
        Stage("launch", "render", ("train", "stage_a"), at_once, trains, _train_again),
        Stage("generate", "train", ("generate",)),
        Stage("evaluate", "generate", ("evaluate", "--choose")),
        Stage("export", "evaluate", ("export",)),
        Stage("report", "export", ("report",)),
        Stage("run", "drawn", ("run",)),
    )
}
SAME_COMMAND = {"caching", "saving", "launch"}
"""Their write boundaries are those of ``training``."""
ORDER = ("qc", "build", "render", "train", "generate", "evaluate", "export", "report")
"""The commands that lead from one kept world to the next; each is kept under its own name."""
COMMANDS = {
    "qc": ["qc", "--workers", "1"],
    "train": ["train", "stage_a"],
    "evaluate": ["evaluate", "--choose"],
}
