"""What a run's record tells of its command and its environment; no secrets."""

from __future__ import annotations

import os
from typing import Any

from wrapper.launch.command import Command
from wrapper.secret_words import hider, is_secret

_MATTERS = (
    "CUDA_",
    "OMP_",
    "MKL_",
    "PYTORCH_",
    "TORCH_",
    "NCCL_",
    "GLOO_",
    "HF_",
    "ACCELERATE_",
    "LORAWRAP_",
)


def command_facts(command: Command) -> dict[str, Any]:
    """The command as it can be run again, and what of the environment matters to it; no secrets."""
    hide = hider()
    seen = {name: hide(value) for name, value in sorted(os.environ.items()) if _is_told(name)}
    return {"command": list(command.argv), "shell": command.shell(), "env": {**seen, **command.env}}


def _is_told(name: str) -> bool:
    return name.startswith(_MATTERS) and not is_secret(name)
