"""``python fake_trial.py FOLDER STEPS [EXIT_CODE]``: a trial that counts steps, and goes on where it was.

It starts a process of its own, writes down every start and interruption, and refuses to run twice at once.
With ``HOLD`` in the environment it does not end before that file is gone.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

STEP_S = 0.05


def main(folder: Path, steps: int, exit_code: int = 0) -> int:
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 99
        done = int((folder / "step").read_text()) if (folder / "step").exists() else 0
        with (folder / "starts").open("a") as starts:
            gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "")
            starts.write(f"{done}|{os.getpid()}|{helper.pid}|{os.environ['TRIAL']}|{gpu}\n")
        try:
            count(folder, done, steps)
        except KeyboardInterrupt:
            (folder / "interrupted").touch()
            return 130
    helper.kill()
    return exit_code


def count(folder: Path, done: int, steps: int) -> None:
    for step in range(done, steps):
        time.sleep(STEP_S)
        print(f"step {step + 1}", flush=True)
        (folder / "step.new").write_text(str(step + 1))
        (folder / "step.new").replace(folder / "step")
    while os.environ.get("HOLD") and Path(os.environ["HOLD"]).exists():
        time.sleep(STEP_S)


def interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:])))
