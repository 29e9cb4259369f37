"""The disk fills at many points of a stage: ``python -m tests.faults.surroundings.campaign POINTS [STAGE…]``.

A stage's points are spread over what it writes, in bytes and in new files; what is wrong is printed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.faults.surroundings.forked import Forge, forge
from tests.faults.surroundings.project import STAGES, make
from wrapper.cli.main import run

AGAIN = {"train": ["train", "all", "--resume"]}
SAYS = ("disk is full", "No space left", "GB free")


def templates(root: Path, last: str, *, full: bool = False) -> Iterator[tuple[str, Path]]:
    """Each stage up to ``last`` with a project that has all of those before it."""
    project = make(root / "0", full=full)
    for number, (stage, argv) in enumerate(STAGES.items(), start=1):
        yield stage, project
        if stage == last:
            return
        done = root / str(number)
        shutil.copytree(project, done)
        assert run([*argv, "--project", str(done)]) == 0
        project = done


def points(undisturbed: dict[str, Any], count: int) -> Iterator[tuple[str, int]]:
    """What is left free: bytes and files, from none to somewhat more than is needed."""
    for of in ("bytes", "files"):
        most = int(undisturbed[of] * 1.1)
        yield from ((of, most * number // count) for number in range(count))


def faults(stage: str, found: dict[str, Any], undisturbed: dict[str, Any]) -> list[str]:
    """What is wrong with how a command met a full disk; empty when nothing is."""
    wrong = [f"{name}: {found[name]}" for name in ("broken", "lost", "left") if found[name]]
    if found["code"] not in (0, 1, 2) or (
        found["code"] and not any(words in found["said"] for words in SAYS)
    ):
        wrong.append(f"exit code {found['code']}: {found['said']}")
    if found["again"]:
        wrong.append(f"again {found['again']}: {found['said again']}")
    made, wanted = (_compared(stage, one["made"]) for one in (found, undisturbed))
    different = [name for name in {*made, *wanted} if made.get(name) != wanted.get(name)]
    return [*wrong, *(f"differs: {name}" for name in sorted(different))]


def _compared(stage: str, made: dict[str, str]) -> dict[str, str]:
    """Of a training that began anew the run has another number: its LoRA is what counts."""
    return {name: what for name, what in made.items() if stage != "train" or name.startswith("loras/")}


def filled(
    worker: Forge, stage: str, template: Path, place: Path, count: int
) -> Iterator[tuple[str, list[str]]]:
    """Each point, and what was wrong there."""
    asked = {"template": str(template), "place": str(place), "argv": STAGES[stage]}
    undisturbed = worker.trial("undisturbed", **asked)
    for of, free in points(undisturbed, count):
        found = worker.trial("full_disk", **asked, free=free, of=of, again=AGAIN.get(stage))
        yield f"{stage}, {free} {of} free: exit code {found['code']}", faults(stage, found, undisturbed)


def main(count: str, *stages: str) -> None:
    asked = stages or tuple(STAGES)
    with tempfile.TemporaryDirectory() as folder, forge() as worker:
        for stage, template in templates(Path(folder), asked[-1]):
            if stage in asked:
                for point, wrong in filled(worker, stage, template, Path(folder) / "disk", int(count)):
                    print(point, *wrong or ["ok"], sep="\n  ", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
