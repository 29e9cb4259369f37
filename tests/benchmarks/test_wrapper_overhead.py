"""What the wrapper adds to a training: nothing heavy before the start, no step lost or told twice after."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.wrapper_overhead import PRINTS_STEPS
from tests.kohya.projects import make_project
from wrapper.launch.children.process import run
from wrapper.launch.command import Command
from wrapper.launch.watching.watch import Course, watching
from wrapper.project.layout import RunPaths

HEAVY = ("torch", "diffusers", "transformers", "peft", "accelerate", "scipy", "cv2", "numpy")
STEPS = 3000
PLAN = """
import sys
from wrapper.cli.main import run
where = ["--project", sys.argv[1], "--engine", "embedded", "--device", "cpu"]
code = run(["train", "stage_a", *where, "--dry-run"])
print([name for name in sys.argv[2:] if name in sys.modules], file=sys.stderr)
sys.exit(code)
"""


def test_a_run_is_planned_without_heavy_libraries(tmp_path: Path) -> None:
    """Rendered, checked and ready to launch: seconds of imports are paid once, by the trainer."""
    project = make_project(tmp_path / "проект 'q' 🙂")
    argv = [sys.executable, "-c", PLAN, str(project.paths.root), *HEAVY]
    done = subprocess.run(argv, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "[]"


def test_steps_that_come_as_fast_as_a_pipe_carries_them_are_each_told_once(tmp_path: Path, capsys) -> None:
    paths = RunPaths(tmp_path / "stage_a-001")
    with watching(paths, Course(STEPS), "steps") as watch:
        assert run(Command((sys.executable, "-c", PRINTS_STEPS.format(STEPS)), {}), watch.line) == 0
    events = [json.loads(line) for line in paths.events.read_text(encoding="utf-8").splitlines()]
    assert [event["step"] for event in events] == list(range(STEPS + 1))
    assert capsys.readouterr().err.count("\n") == 1
