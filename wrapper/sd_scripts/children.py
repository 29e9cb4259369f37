"""Other Pythons, asked with a script of ours that answers in JSON."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from dataset_tools.errors import RunFailed
from dataset_tools.system.streams import IN_UTF8

_FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "VIRTUAL_ENV")


ISOLATED = ("-I", "-u", "-X", "utf8")
"""Nothing of the current folder or of the user's own packages is imported."""


def child_environment() -> dict[str, str]:
    """For a Python of another environment: nothing of ours is on its path; pip's own settings stay."""
    env = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return {**env, **IN_UTF8, "PIP_USER": "0"}


def ask(python: Path, script: Path, *argv: str) -> Any:
    """What ``script`` prints last, read as JSON; raises `RunFailed` with its last words."""
    done = run(python, str(script), *argv)
    if done.returncode:
        raise RunFailed(
            f"{python}: {script.stem} failed ({last_words(done)}).", "lorawrap vendor install --force"
        )
    return json.loads(done.stdout.splitlines()[-1])


def run(python: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run ``python`` to its end. Its children keep the lock of the installation (see alone.py)."""
    try:
        return subprocess.run(
            [str(python), *ISOLATED, *argv],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=child_environment(),
            close_fds=os.name == "nt",
        )
    except OSError as error:
        raise RunFailed(
            f"{python}: cannot be started ({error.strerror}).", "Name another with --python."
        ) from error


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return said[-1] if said else f"exit code {done.returncode}"
