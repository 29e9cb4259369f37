"""A process that has imported what is slow, and forks a child for each command: that costs its work alone.

The child is a real process in a session of its own, with the signal handlers of ``lorawrap``. The embedded
trainer that it starts is forked in the same way. Whatever a command leaves running falls to this process
(Linux: ``PR_SET_CHILD_SUBREAPER``), so orphans are found without a search. Run as ``python -m
tests.faults.warm [--torch]``: a request a line on stdin (``{"argv", "cwd", "env", "log", "strike"}``), two
answers on stdout (``{"pid"}``, then ``{"code", "orphans"}``).
"""

from __future__ import annotations

import ctypes
import gc
import inspect
import json
import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from tests.faults.boundaries import Strike, strike_at

ROOT = Path(__file__).parents[2]
READY = "ready"
START = inspect.signature(subprocess.Popen._execute_child)  # type: ignore[attr-defined]
PR_SET_CHILD_SUBREAPER = 36
GONE_S = 30.0
"""So long may a process outlive its command: the guardian of a training waits ten seconds before it kills."""
TRIALS = "wrapper.sweep."
"""How the names of the modules begin that run a sweep's trial, and guard it."""
HIGHEST = 1024
"""Open files beyond this number are none of ours."""
LIGHT = (
    "cv2",
    "numpy",
    "PIL.Image",
    "psutil",
    "jinja2",
    "pydantic",
    "multiprocessing.spawn",
    "wrapper.cli.main",
    "dataset_tools.quality.qc",
    "dataset_tools.building.build",
    "wrapper.steps.job",
    "wrapper.project.load",
)
HEAVY = (
    "torch",
    "accelerate",
    "diffusers:StableDiffusionPipeline",
    "diffusers:StableDiffusionInpaintPipeline",
    "diffusers:StableDiffusionXLPipeline",
    "diffusers:EulerAncestralDiscreteScheduler",
    "diffusers:DPMSolverMultistepScheduler",
    "diffusers:DDPMScheduler",
    "diffusers:UniPCMultistepScheduler",
    "diffusers:DEISMultistepScheduler",
    "diffusers.optimization",
    "torch.utils.tensorboard",
    "PIL.PngImagePlugin",
    "toml",
    "transformers:CLIPTextModel",
    "transformers:CLIPTokenizer",
    "scipy.stats",
    "scipy.ndimage",
    "safetensors.torch",
    "wrapper.trainer.run",
    "wrapper.launch.train",
    "wrapper.evaluation.evaluate",
    "wrapper.export.job",
    "wrapper.diffusion.txt2img.project_pictures",
    "wrapper.diffusion.inpainting.painting",
    "wrapper.comparison.compare",
    "wrapper.lora_tools.making.merging",
    "wrapper.lora_tools.making.extracting",
    "wrapper.sweep.work",
    "wrapper.sweep.engines.guard",
)


class Warm:
    """The server, from outside. One command at a time."""

    def __init__(self, *, heavy: bool) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        self.server = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.warm", *(["--torch"] if heavy else [])],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert _pipe(self.server.stdout).readline().strip() == READY

    def start(
        self,
        argv: list[str],
        cwd: Path,
        log: Path,
        env: Mapping[str, str] | None = None,
        strike: Strike | None = None,
    ) -> int:
        """Start ``lorawrap argv`` in ``cwd`` and return its pid; its output goes to ``log``."""
        request = {"argv": argv, "cwd": str(cwd), "env": dict(env or {}), "log": str(log), "strike": strike}
        _pipe(self.server.stdin).write(json.dumps(request) + "\n")
        return int(self._answer()["pid"])

    def wait(self) -> tuple[int, list[str]]:
        """The command's exit code (minus the signal that ended it), and what it left running for `GONE_S`."""
        answer = self._answer()
        return int(answer["code"]), answer["orphans"]

    def close(self) -> None:
        _pipe(self.server.stdin).close()
        self.server.wait(10)
        _pipe(self.server.stdout).close()

    def _answer(self) -> dict[str, Any]:
        return json.loads(_pipe(self.server.stdout).readline())


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


class Request(NamedTuple):
    argv: list[str]
    cwd: str
    env: dict[str, str]
    log: str
    strike: list[Any] | None


def serve(heavy: bool) -> None:
    """Answer requests until stdin ends."""
    import importlib

    for name in (*LIGHT, *(HEAVY if heavy else ())):
        module, _, lazy = name.partition(":")
        found = importlib.import_module(module)
        if lazy:
            getattr(found, lazy)
    gc.freeze()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    print(READY, file=answers)
    for line in sys.stdin:
        request = Request(**json.loads(line))
        pid = forked(lambda request=request: _command(request), lambda request=request: _at(request))
        print(json.dumps({"pid": pid}), file=answers)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        print(json.dumps({"code": code, "orphans": _orphans()}), file=answers)


def _orphans() -> list[str]:
    """Who is still here `GONE_S` after the command ended; they are killed then."""
    import psutil

    until = time.monotonic() + GONE_S
    while time.monotonic() < until:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return []
        if not ended:
            time.sleep(0.01)
    left = psutil.Process().children(recursive=True)
    told = [f"{one.pid} {' '.join(one.cmdline())[:200]}" for one in left]
    for one in left:
        one.kill()
    psutil.wait_procs(left)
    return told


def forked(work: Callable[[], int], prepare: Callable[[], None]) -> int:
    """Do ``work`` in a child with a session of its own; its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setsid()
        prepare()
        code = work()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _at(request: Request) -> None:
    os.closerange(3, HIGHEST)
    os.chdir(request.cwd)
    os.environ.update(request.env)
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    with Path(request.log).open("ab") as log:
        _output_to(log.fileno(), log.fileno())


def _output_to(out: int, err: int) -> None:
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)


def _command(request: Request) -> int:
    from wrapper.cli import main

    subprocess.Popen = WarmPopen  # type: ignore[misc]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main._end_as_interrupted()
    if request.strike:
        strike_at(Strike(*request.strike), "lorawrap")
        os.environ["FAULTS_STRIKE"] = json.dumps(request.strike)
    return main.run(request.argv)


class WarmPopen(subprocess.Popen):  # type: ignore[type-arg]
    """As `subprocess.Popen`, but trainers and a sweep's trials are forked from here: all is imported."""

    def _execute_child(self, *args: Any) -> None:
        bound = START.bind(self, *args).arguments
        argv = list(map(str, bound["args"]))
        at = _module_at(argv)
        if not at:
            super()._execute_child(*args)  # type: ignore[misc]
            return
        self.pid = forked(lambda: _module(argv[at], argv[at + 1 :]), lambda: _as_asked(bound))
        self._child_created = True
        for ours, theirs in (("p2cwrite", "p2cread"), ("c2pread", "c2pwrite"), ("errread", "errwrite")):
            if bound[ours] != -1:
                os.close(bound[theirs])
        if getattr(self, "_devnull", None) is not None:
            os.close(self._devnull)


def _module_at(argv: list[str]) -> int:
    """Where the name of a module of ours stands in ``argv`` that would do the work; 0 when there is none."""
    if "--module" in argv:
        return argv.index("--module") + 1
    return 2 if argv[1:2] == ["-m"] and argv[2].startswith(TRIALS) else 0


def _as_asked(bound: Mapping[str, Any]) -> None:
    """A new child's folder, environment and pipes."""
    if bound["env"] is not None:
        os.environ.clear()
        os.environ.update(bound["env"])
    if bound["cwd"] is not None:
        os.chdir(bound["cwd"])
    _output_to(bound["c2pwrite"], bound["c2pwrite"])
    os.closerange(3, HIGHEST)
    for kind in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, signal.SIG_DFL)


def _module(module: str, argv: list[str]) -> int:
    if not module.startswith(TRIALS):
        os.environ["ACCELERATE_USE_CPU"] = "true"
        asked = os.environ.get("FAULTS_STRIKE")
        if asked:
            strike_at(Strike(*json.loads(asked)), "trainer")
    sys.argv = [module, *argv]
    runpy.run_module(module, run_name="__main__")
    return 0


if __name__ == "__main__":
    serve("--torch" in sys.argv[1:])
