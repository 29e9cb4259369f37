"""What `lorawrap train` costs over the bare command that it launches.

``python benchmarks/wrapper_overhead.py [--engine embedded|sd-scripts]``. Two parts, measured apart: the fixed
seconds of a run (render, check, hash, launch, verify, publish), by a tiny training with the wrapper and then
without it; and the time for each step (parsing the log, events, the bar), by a child that prints steps only.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.machine import report
from benchmarks.random_base import random_base
from benchmarks.trainers import ROOT, sd_scripts
from dataset_tools.files import content_hash
from tests.sd_scripts.harness import Base
from tests.sd_scripts.projects import make_project
from wrapper.launch.children.process import run
from wrapper.launch.command import Command
from wrapper.launch.watching.watch import Course, watching
from wrapper.project.layout import RunPaths
from wrapper.project.load import Project

GOAL = 0.01
PRINTS_STEPS = """
import sys
for step in range({0} + 1):
    bar = f"steps:   1%|#         | {{step}}/{0} [00:10<00:10,  1.00it/s, avr_loss={{1 / (step + 1):.3g}}]"
    sys.stderr.write("\\r" + bar)
    sys.stderr.flush()
"""


@dataclass(frozen=True)
class Cost:
    """Of one process and everything it waited for; ``own_cpu_s`` is the process's alone."""

    wall_s: float
    cpu_s: float
    own_cpu_s: float


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        base = random_base(32, 4, Path(folder))
        env = _environment(options.engine, base)
        wrapped, bare = _in_turns(Path(folder), base, env, options)
        step_s = _seconds_a_step(Path(folder), options.lines)
        hashed = _hashing_mb_s(base.file)
    row = _row(wrapped, bare, step_s) | {"hashing of inputs, MB a CPU s": hashed}
    report([{"": name, options.engine: value} for name, value in row.items()], options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("embedded", "sd-scripts"), default="embedded")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _environment(engine: str, base: Base) -> dict[str, str]:
    if engine == "sd-scripts":
        return sd_scripts().env(base)
    return {"LORAWRAP_TOKENIZER_DIR": str(base.tokenizers), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def _in_turns(
    folder: Path, base: Base, env: Mapping[str, str], options: argparse.Namespace
) -> tuple[list[Cost], list[Cost]]:
    """The same training with the wrapper and, from the files that it wrote, without."""
    wrapped, bare = [], []
    for place in range(options.rounds):
        project = make_project(folder / f"project {place}", base)
        where = ("--project", str(project.paths.root), "--engine", options.engine, "--device", "cpu")
        wrapped.append(_cost([sys.executable, "-m", "wrapper", "train", "stage_a", *where], env))
        started = _bare_command(project)
        bare.append(_cost(list(started.argv), {**env, **started.env}))
    return wrapped, bare


def _bare_command(project: Project) -> Command:
    record = json.loads(project.paths.run("stage_a").record.read_text(encoding="utf-8"))
    return Command(tuple(record["command"]), record["env"])


def _cost(argv: Sequence[str], env: Mapping[str, str]) -> Cost:
    begun = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        child = subprocess.Popen(argv, env={**os.environ, **env}, stdout=log, stderr=log, cwd=ROOT)
        cost = _waited(child, begun)
        if child.returncode:
            log.seek(0)
            sys.exit(log.read()[-3000:])
    return cost


def _waited(child: subprocess.Popen[bytes], begun: float) -> Cost:
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    wall = time.perf_counter() - begun
    own = _own_cpu_s(child.pid)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return Cost(wall, usage.ru_utime + usage.ru_stime, own)


def _own_cpu_s(pid: int) -> float:
    """User and system time of an ended process that was not waited for yet, without its children's."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _seconds_a_step(folder: Path, lines: int) -> float:
    """This process's CPU time for each step that a child prints: read, parsed, logged and drawn."""
    command = Command((sys.executable, "-c", PRINTS_STEPS.format(lines)), {})
    begun = time.process_time()
    with watching(RunPaths(folder / "stage_a-001"), Course(lines), "steps") as watch:
        run(command, watch.line)
    if watch.step != lines:
        sys.exit(f"{watch.step} of {lines} steps were seen")
    return (time.process_time() - begun) / lines


def _hashing_mb_s(file: Path) -> float:
    """Every input is hashed once: a base of 2 GB takes 2000 MB at this pace, in the project's first run."""
    begun = time.process_time()
    content_hash(file)
    return file.stat().st_size / 1e6 / (time.process_time() - begun)


def _row(wrapped: Sequence[Cost], bare: Sequence[Cost], step_s: float) -> dict[str, float]:
    def median(costs: Sequence[Cost], name: str) -> float:
        return statistics.median(getattr(cost, name) for cost in costs)

    fixed = median(wrapped, "cpu_s") - median(bare, "cpu_s")
    return {
        "bare command, CPU s": median(bare, "cpu_s"),
        "bare command, wall s": median(bare, "wall_s"),
        "through the wrapper, CPU s": median(wrapped, "cpu_s"),
        "through the wrapper, wall s": median(wrapped, "wall_s"),
        "fixed cost, CPU s": fixed,
        "fixed cost, wall s": median(wrapped, "wall_s") - median(bare, "wall_s"),
        "of which the wrapper's own process, CPU s": median(wrapped, "own_cpu_s"),
        "for each step, CPU ms": 1000 * step_s,
        "share of 1,500 steps of one second, %": 100 * (fixed + 1500 * step_s) / 1500,
        "under 1 % from a run of, minutes": fixed / (GOAL - step_s) / 60,
    }


if __name__ == "__main__":
    main()
