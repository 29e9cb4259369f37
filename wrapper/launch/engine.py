"""Which trainer runs: the embedded one, or a checkout of sd-scripts named by the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from dataset_tools.errors import UserError
from wrapper.launch.command import Trainer, embedded_trainer
from wrapper.places import shipped

Engine = Literal["auto", "embedded", "sd-scripts"]
CHECKOUT, PYTHON = "LORAWRAP_SD_SCRIPTS", "LORAWRAP_SD_SCRIPTS_PYTHON"
_HINT = f"Set {CHECKOUT} to a checkout and {PYTHON} to its Python, or use --engine embedded."


def find_trainer(engine: Engine, script: str) -> Trainer:
    """The trainer for ``script``; ``auto`` takes sd-scripts where the environment names one that has it.

    Raises `UserError` when sd-scripts is asked for, or named, and is not whole.
    """
    if engine == "embedded":
        return embedded_trainer()
    named = [name for name in (CHECKOUT, PYTHON) if os.environ.get(name)]
    if engine == "auto" and not named:
        return embedded_trainer()
    checkout = _checkout(script)
    if checkout is None and engine == "auto":
        return embedded_trainer()
    if checkout is None:
        raise UserError(f"sd-scripts has no {script}.py here.", "Use --engine embedded for this stage.")
    return Trainer("sd-scripts", _python(), checkout)


def _checkout(script: str) -> Path | None:
    """The folder that has ``script``: the checkout, or ours beside it for the inpaint script."""
    named = os.environ.get(CHECKOUT)
    if not named:
        raise UserError(f"{CHECKOUT} is not set, so sd-scripts cannot be started.", _HINT)
    checkout = Path(named).expanduser()
    if not (checkout / "train_network.py").is_file():
        raise UserError(f"{CHECKOUT}={checkout}: there is no train_network.py in it.", _HINT)
    folders = (checkout, shipped("vendor"))
    return next((folder.resolve() for folder in folders if (folder / f"{script}.py").is_file()), None)


def _python() -> str:
    named = os.environ.get(PYTHON)
    if not named:
        raise UserError(f"{PYTHON} is not set: sd-scripts needs the Python of its own environment.", _HINT)
    if not Path(named).expanduser().is_file():
        raise UserError(f"{PYTHON}={named}: there is no such Python.", _HINT)
    return str(Path(named).expanduser())
