"""A project with very many runs: what listing, showing, comparing and choosing among them costs.

python -m benchmarks.scale_runs FOLDER FIGURES.json 100 1000 10000
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from benchmarks.scale_measure import keep, lorawrap, measured

STEPS, EVENTS, CHECKPOINTS = 300, 100, 2
BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)
PROJECT = '[project]\nname = "many"\nseed = {seed}\n'


def make(folder: Path, number: int) -> None:
    """A project in ``folder`` with ``number`` runs of Stage A, every tenth of which failed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lorawrap.toml").write_text(PROJECT.format(seed=7), encoding="utf-8")
    for index in range(1, number + 1):
        run = folder / "runs" / f"stage_a-{index:03d}"
        if not (run / "run.json").exists():
            _make_run(run, index)
    published = folder / "loras" / "many_stage_a.safetensors"
    published.parent.mkdir(exist_ok=True)
    published.write_bytes(_lora())


def _make_run(run: Path, index: int) -> None:
    (run / "output").mkdir(parents=True)
    for epoch in range(1, CHECKPOINTS + 1):
        (run / "output" / f"many_stage_a-{epoch:06d}.safetensors").write_bytes(_lora())
    with (run / "events.jsonl").open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(event) + "\n" for event in _events(index))
    rate = 1e-4 * (1 + index % 7)
    keys = "".join(f"key_{number} = {number}\n" for number in range(40))
    (run / "train.toml").write_text(f"[training]\nlearning_rate = {rate}\n{keys}", encoding="utf-8")
    (run / "dataset.toml").write_text(
        "[[datasets]]\n[[datasets.subsets]]\nnum_repeats = 2\n", encoding="utf-8"
    )
    (run / "run.json").write_text(json.dumps(_record(run, index), indent=2), encoding="utf-8")


def _events(index: int) -> Iterator[dict[str, Any]]:
    for step in range(0, STEPS, STEPS // EVENTS):
        loss = 0.1 / (1 + step / 50) + (index * step % 17) / 1000
        yield {"step": step + 1, "steps": STEPS, "loss": loss, "elapsed_s": step, "left_s": STEPS - step}


def _record(run: Path, index: int) -> dict[str, Any]:
    began = BEGAN + timedelta(hours=index)
    ended, failed = began + timedelta(minutes=5), index % 10 == 9
    part = {"started": began.isoformat(), "output": "output", "from": None, "done": 0, "counted_from": 0}
    how = {"status": "failed", "why": "loss is NaN"} if failed else {"status": "succeeded", "steps": STEPS}
    return {
        "id": run.name,
        "stage": "stage_a",
        "engine": "embedded",
        "script": "train_network",
        "command": ["python", "-m", "accelerate.commands.launch", *(f"--option_{n}" for n in range(20))],
        "process": {"pid": 1, "host": "elsewhere"},
        "versions": {name: "1.0" for name in ("python", "torch", "diffusers", "transformers", "peft")},
        "config": {"train.toml": f"{index:064x}", "dataset.toml": f"{index:064x}"},
        "planned_steps": STEPS,
        "steps_per_epoch": 30,
        "base": {"path": "tiny", "sha256": "0" * 64},
        "files": {"count": 80, "sha256": "0" * 64},
        "segments": [{**part, "ended": ended.isoformat()}],
        "started": began.isoformat(),
        "ended": ended.isoformat(),
        "loss": 0.02,
        "lora": {} if failed else {"path": "loras/many_stage_a.safetensors", "sha256": "0" * 64},
        **how,
    }


def _lora() -> bytes:
    """A file of one number, as far as a header goes."""
    header = json.dumps({"x": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    return len(header).to_bytes(8, "little") + header + b"\0\0"


_CHOICE = """
from pathlib import Path
from wrapper.evaluation.checkpoints import find_checkpoints
from wrapper.project.layout import ProjectPaths
paths = ProjectPaths(Path({folder!r}))
assert find_checkpoints(paths, "stage_a", "many")
"""
_NEXT = """
from pathlib import Path
from wrapper.project.layout import ProjectPaths
paths = ProjectPaths(Path({folder!r}))
paths.next_run("stage_a"), paths.run("stage_a")
"""
_SHELF = """
from pathlib import Path
from wrapper.comparison.shelf import Shelf
from wrapper.project.layout import ProjectPaths
paths = ProjectPaths(Path({folder!r}))
assert Shelf((), paths).checkpoints("stage_a")
"""


def commands(folder: Path, number: int) -> Iterator[tuple[str, list[str]]]:
    first, last = "stage_a-001", f"stage_a-{number:03d}"
    yield "nothing (python)", [sys.executable, "-c", "import wrapper.project.layout"]
    yield "runs list", lorawrap("runs", "list", "--project", folder)
    yield "runs list --json", lorawrap("runs", "list", "--json", "--project", folder)
    yield "runs show", lorawrap("runs", "show", last, "--project", folder)
    yield "runs compare", lorawrap("runs", "compare", first, last, "--project", folder)
    for what, code in (
        ("checkpoints of evaluate", _CHOICE),
        ("the next run's number", _NEXT),
        ("LoRAs to compare", _SHELF),
    ):
        yield what, [sys.executable, "-c", code.format(folder=str(folder))]
    yield "report", lorawrap("report", "--project", folder)


def main(arguments: Sequence[str]) -> None:
    place, file, *numbers = arguments
    for number in [int(number) for number in numbers] or [100, 1000]:
        folder = Path(place) / f"runs of {number}"
        make(folder, number)
        for what, command in commands(folder, number):
            keep(measured(what, number, command), Path(file))


if __name__ == "__main__":
    main(sys.argv[1:])
