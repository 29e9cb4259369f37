"""Which trainer runs, and why: the embedded one, or an sd-scripts that is installed or named."""

from __future__ import annotations

from typing import Literal

from dataset_tools.errors import UserError
from wrapper.launch.command import Trainer, embedded_trainer, find_device, script_path
from wrapper.sd_scripts.installed import HINT, Installation, find_installation
from wrapper.sd_scripts.places import CHECKOUT

Engine = Literal["auto", "embedded", "sd-scripts"]


def find_trainer(engine: Engine, script: str) -> Trainer:
    """The trainer for ``script``, and why.

    ``auto`` takes sd-scripts where it has the script, and either the environment names it (the user wants it)
    or it is installed and there is a CUDA GPU (it is the main one there); else the embedded trainer.
    Raises `UserError` when sd-scripts is asked for, or named, and is not whole.
    """
    if engine == "embedded":
        return embedded_trainer("it was asked for")
    found = find_installation()
    if engine == "auto":
        return _automatic(found, script)
    if found is None:
        raise UserError(f"sd-scripts is not installed, and {CHECKOUT} is not set.", HINT)
    if script_path(found.checkout, script) is None:
        raise UserError(f"sd-scripts has no {script}.py here.", "Use --engine embedded for this stage.")
    return _trainer(found, "it was asked for")


def _automatic(found: Installation | None, script: str) -> Trainer:
    if found is None:
        return embedded_trainer("sd-scripts is not installed")
    if script_path(found.checkout, script) is None:
        return embedded_trainer(f"{found.checkout} has no {script}.py")
    if found.named:
        return _trainer(found, f"{CHECKOUT} names {found.checkout}")
    if find_device() == "cpu":
        return embedded_trainer("there is no CUDA GPU; --engine sd-scripts runs on a CPU as well")
    return _trainer(found, f"sd-scripts {found.tag} is installed and there is a CUDA GPU")


def _trainer(found: Installation, why: str) -> Trainer:
    return Trainer("sd-scripts", str(found.python), found.checkout, why)
