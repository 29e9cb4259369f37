"""A process that has loaded everything once and forks a child for each trial; as a module it is that process.

A trial is a function of `trials`, or of the module that is named before its dot, called in a child that leads
a session and has mounts of its own.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LIMIT_S = 400
LOADED = (
    *("torch", "diffusers", "cv2", "scipy.ndimage", "wrapper.steps.job", "wrapper.evaluation.evaluate"),
    *("wrapper.launch.train", "wrapper.launch.stages", "wrapper.export.export", "wrapper.report.report"),
)


class Forge:
    """The parent's end: `trial` has one done and gives what it returned."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def trial(self, name: str, **how: Any) -> Any:
        """AssertionError with the child's traceback where the trial raised, or did not end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"name": name, "how": how}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "fault" not in answer, answer["fault"]
        return answer["result"]


@contextmanager
def forge(loaded: Sequence[str] = LOADED) -> Iterator[Forge]:
    """``loaded`` are the modules that are imported once for all trials."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    argv = [sys.executable, "-m", "tests.faults.surroundings.forked", *loaded]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=env
    ) as process:
        try:
            yield Forge(process)
        finally:
            process.kill()


def main() -> None:
    """Answer each line of standard input with a line on standard output."""
    for name in sys.argv[1:]:
        __import__(name)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(_forked(**json.loads(line))), file=answers, flush=True)


def _forked(name: str, how: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w", encoding="utf-8") as stream:
            json.dump(_done(name, how), stream)
        os._exit(0)
    os.close(writing)
    _end_in_time(child)
    with os.fdopen(reading, encoding="utf-8") as stream:
        said = stream.read()
    return json.loads(said) if said else {"fault": f"{name} did not end within {LIMIT_S} s, or died"}


def _done(name: str, how: dict[str, Any]) -> dict[str, Any]:
    from tests.faults.surroundings.disk import be_alone
    from tests.faults.warm import WarmPopen

    os.setsid()
    signal.alarm(LIMIT_S)
    try:
        be_alone()
        if "torch" in sys.modules:
            subprocess.Popen = WarmPopen  # type: ignore[misc]
        module, _, function = name.rpartition(".")
        trials = importlib.import_module(f"tests.faults.surroundings.{module or 'trials'}")
        return {"result": getattr(trials, function)(**how)}
    except BaseException:
        return {"fault": traceback.format_exc()}


def _end_in_time(child: int) -> None:
    """Wait for the child; what it leaves in its session is ended."""
    until = time.monotonic() + LIMIT_S + 5
    while os.waitpid(child, os.WNOHANG) == (0, 0) and time.monotonic() < until:
        time.sleep(0.02)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))
    main()
