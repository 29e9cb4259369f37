"""The two trainers on one training set, measured from outside: CPU and wall time a step, and peak memory.

Both print tqdm's line after every optimizer step. When step n's line first comes, the process's CPU time and
the clock are read; a step took what lies between two lines. The same for both, and neither is changed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

import psutil

from benchmarks.machine import peak_mib
from tests.sd_scripts.harness import Base, Scripts, train_arguments
from tests.trainer.conftest import draw_pictures

Engine = Literal["embedded", "sd-scripts"]
ENGINES: tuple[Engine, ...] = ("embedded", "sd-scripts")
ROOT = Path(__file__).parent.parent
_STEP = re.compile(rb"steps:[^|]*\|[^|]*\|\s*(\d+)/(\d+)")
_LEFT_OUT = 2


@dataclass(frozen=True)
class Training:
    """What is trained: ``values`` are Kohya's options; ``stage_b`` takes masks and an inpaint base."""

    base: Base
    stage_b: bool
    resolution: int
    batch: int
    steps: int
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """``cpu_s`` and ``wall_s`` of each step but the first few; ``peak_mib`` up to the last step."""

    cpu_s: tuple[float, ...]
    wall_s: tuple[float, ...]
    peak_mib: float

    @property
    def median_cpu_s(self) -> float:
        return statistics.median(self.cpu_s)

    @property
    def median_wall_s(self) -> float:
        return statistics.median(self.wall_s)


@dataclass
class Seen:
    """``marks``: CPU and wall seconds when each step's line first came."""

    marks: dict[int, tuple[float, float]] = field(default_factory=dict)
    peak_mib: float = 0.0


def sd_scripts() -> Scripts:
    """The checkout that the environment names. Raises `SystemExit` in one sentence without it."""
    checkout, python = (os.environ.get(f"LORAWRAP_SD_SCRIPTS{end}") for end in ("", "_PYTHON"))
    if not checkout or not python:
        sys.exit("Set LORAWRAP_SD_SCRIPTS to a checkout and LORAWRAP_SD_SCRIPTS_PYTHON to its Python.")
    return Scripts(Path(checkout).resolve(), Path(python).absolute())


def measure(engine: Engine, training: Training, threads: int) -> Measured:
    """Train from the start to the last step, in a folder that is thrown away. Raises for a failed run."""
    with tempfile.TemporaryDirectory() as folder:
        argv, env = _command(engine, training, Path(folder))
        env = {**os.environ, **env, "OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}
        with (Path(folder) / "log").open("wb+") as log:
            seen = _watch(argv, env, log)
    marks, steps = seen.marks, sorted(seen.marks)
    pairs = [(marks[step - 1], marks[step]) for step in steps[_LEFT_OUT:] if step - 1 in marks]
    return Measured(
        cpu_s=tuple(after[0] - before[0] for before, after in pairs),
        wall_s=tuple(after[1] - before[1] for before, after in pairs),
        peak_mib=seen.peak_mib,
    )


def _watch(argv: list[str], env: dict[str, str], log: BinaryIO) -> Seen:
    """Run ``argv`` to its end, looking at the process whenever a step's line first comes."""
    child = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
    process, seen = psutil.Process(child.pid), Seen()
    assert child.stdout is not None
    while chunk := os.read(child.stdout.fileno(), 1 << 16):
        log.write(chunk)
        found = _STEP.findall(chunk)
        if found and (step := int(found[-1][0])) not in seen.marks:
            times = process.cpu_times()
            seen.marks[step] = (times.user + times.system, time.perf_counter())
            seen.peak_mib = peak_mib(child.pid)
    if child.wait():
        log.seek(0)
        sys.exit(log.read().decode("utf-8", "replace")[-3000:])
    return seen


def _command(engine: Engine, training: Training, folder: Path) -> tuple[list[str], dict[str, str]]:
    script = "train_network_inpaint" if training.stage_b else "train_network"
    values = {"sdpa": True, "masked_loss": training.stage_b, **training.values}
    arguments = train_arguments(
        training.base,
        folder / "out",
        dataset_config=_dataset(training, folder),
        max_train_steps=training.steps,
        **values,
    )
    env = sd_scripts().env(training.base)
    if engine == "embedded":
        path = os.pathsep.join([str(ROOT), env.pop("PYTHONPATH")])
        return [sys.executable, "-m", f"wrapper.trainer.{script}", *arguments], {**env, "PYTHONPATH": path}
    place = ROOT / "vendor" if training.stage_b else sd_scripts().checkout
    return [str(sd_scripts().python), str(place / f"{script}.py"), *arguments], env


def _dataset(training: Training, folder: Path) -> Path:
    """Four pictures, repeated so that an epoch is the whole training."""
    size = (training.resolution, training.resolution)
    pictures = draw_pictures(folder / "pictures", 4, size)
    lines = ["[[datasets]]", f"resolution = {training.resolution}", f"batch_size = {training.batch}"]
    lines += ["[[datasets.subsets]]", f"num_repeats = {training.steps * training.batch}"]
    lines += ['caption_extension = ".txt"', f"image_dir = {json.dumps(str(pictures))}"]
    if training.stage_b:
        lines.append(f"conditioning_data_dir = {json.dumps(str(folder / 'pictures masks'))}")
    path = folder / "dataset.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def size_options(description: str | None, *, batch: int, steps: int, rounds: int) -> argparse.ArgumentParser:
    """The options of every benchmark of trainers; on a GPU SD 1.5's own size at 512 px."""
    import torch

    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--width", type=int, default=320 if gpu else 96, help="320 is SD 1.5 itself")
    parser.add_argument("--resolution", type=int, default=512 if gpu else 192)
    parser.add_argument("--batch", type=int, default=4 if gpu else batch)
    parser.add_argument("--steps", type=int, default=60 if gpu else steps)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--mixed-precision", default="bf16" if gpu else "no")
    parser.add_argument("--json", type=Path)
    return parser
