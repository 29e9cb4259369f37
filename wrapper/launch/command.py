"""The command that starts a trainer, as data."""

from __future__ import annotations

import os
import shlex
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dataset_tools.system.processors import usable
from dataset_tools.system.streams import IN_UTF8
from wrapper.launch.processes import Device, Processes
from wrapper.places import shipped


@dataclass(frozen=True)
class Command:
    """``argv`` is run without a shell, ``env`` over the environment; no ``cwd`` is the current folder."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path | None = None

    def shell(self) -> str:
        """One line that can be pasted into a POSIX shell."""
        settings = [f"{name}={shlex.quote(value)}" for name, value in self.env.items()]
        line = " ".join(["env", *settings, shlex.join(self.argv)] if settings else [shlex.join(self.argv)])
        return f"cd {shlex.quote(str(self.cwd))} && {line}" if self.cwd else line


@dataclass(frozen=True)
class Trainer:
    """What runs a script: ``python -m wrapper.trainer.<script>``, or a script of a checkout of sd-scripts.

    ``why`` says in one clause why it was taken.
    """

    engine: Literal["embedded", "sd-scripts"]
    python: str
    checkout: Path | None = None
    why: str = field(default="", compare=False)

    def program(self, script: str, stop_after: int = 0) -> tuple[str, ...]:
        """What is run; with ``stop_after`` a script of sd-scripts is stopped after so many steps."""
        if self.checkout is None:
            return ("--module", f"wrapper.trainer.{script}")
        path = str(script_path(self.checkout, script) or self.checkout / f"{script}.py")
        return (str(shipped("vendor") / "stop_after.py"), str(stop_after), path) if stop_after else (path,)


def script_path(checkout: Path, script: str) -> Path | None:
    """``script`` of a checkout of sd-scripts, or ours that runs beside it (the inpaint script)."""
    places = (checkout / f"{script}.py", shipped("vendor") / f"{script}.py")
    return next((place.resolve() for place in places if place.is_file()), None)


def embedded_trainer(why: str = "") -> Trainer:
    return Trainer("embedded", sys.executable, why=why)


def command(
    trainer: Trainer,
    script: str,
    train_toml: Path,
    dataset_toml: Path,
    where: Processes,
    *,
    mixed_precision: str = "no",
    extra: Sequence[str] = (),
    stop_after: int = 0,
    cache: Path | None = None,
) -> Command:
    """The launch of ``script`` on ``where``; ``extra`` goes behind the config files."""
    threads = max(cpu_threads() // where.here, 1)
    files = ("--config_file", str(train_toml.resolve()), "--dataset_config", str(dataset_toml.resolve()))
    launcher = where.launcher(mixed_precision, threads)
    argv = (trainer.python, *launcher, *trainer.program(script, stop_after), *files, *extra)
    return Command(argv, environment(trainer, cache))


def environment(trainer: Trainer, cache: Path | None) -> dict[str, str]:
    """Unbuffered UTF-8 output in lines that are not wrapped, a stack where it crashes, and where caches go.

    Beside a checkout the child is told where this package is; installed, it finds it by itself. A script of
    ours that runs beside sd-scripts is told where that is.
    """
    env = {
        "PYTHONUNBUFFERED": "1",
        **IN_UTF8,
        "PYTHONFAULTHANDLER": "1",
        "COLUMNS": "250",
        "TOKENIZERS_PARALLELISM": "false",
    }
    if cache is not None:
        env["LORAWRAP_CACHE_DIR"] = str(cache.resolve())
    if trainer.checkout is not None:
        env["LORAWRAP_SD_SCRIPTS"] = str(trainer.checkout)
    here = str(Path(__file__).resolve().parents[2])
    if trainer.engine == "embedded" and here != sysconfig.get_paths()["purelib"]:
        others = os.environ.get("PYTHONPATH")
        env["PYTHONPATH"] = os.pathsep.join([here, others]) if others else here
    return env


def cpu_threads() -> int:
    """``OMP_NUM_THREADS`` if it is set, else the processors that this process may use."""
    wished = os.environ.get("OMP_NUM_THREADS", "")
    return int(wished) if wished.isdecimal() and int(wished) > 0 else usable()


def find_device() -> Device:
    """``cuda`` where torch sees a GPU."""
    return "cuda" if visible_gpus() else "cpu"


def visible_gpus() -> int:
    """How many CUDA GPUs torch sees."""
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
