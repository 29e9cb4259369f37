"""What trains: versions in the trainer's own environment, its commit, and the machine."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from dataset_tools.data_text import from_json
from dataset_tools.system.processors import usable
from wrapper import __version__
from wrapper.launch.command import Trainer
from wrapper.launch.processes import Device

PACKAGES = (
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "peft",
    "accelerate",
    "safetensors",
    "bitsandbytes",
    "xformers",
    "triton",
    "lycoris-lora",
    "numpy",
)
_ASK = """
import importlib.metadata as metadata, json, platform, sys
found = {"python": platform.python_version(), "platform": platform.platform()}
for name in sys.argv[1:]:
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""
_TIMEOUT_S = 60


def versions() -> dict[str, str]:
    """Versions of Python, of this program and of the packages that train, in this environment."""
    found = {"lorawrap": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def trainer_facts(trainer: Trainer, device: Device) -> dict[str, Any]:
    """``versions`` where the trainer runs, which sd-scripts it is, and the machine."""
    facts: dict[str, Any] = {"versions": versions(), "machine": machine(device)}
    if trainer.checkout is not None:
        facts["versions"] = {"lorawrap": __version__, **_asked(trainer.python)}
        facts["sd_scripts"] = _checkout_facts(trainer)
    return facts


def machine(device: Device) -> dict[str, Any]:
    """The machine's name, how many processors may be used, and the GPUs that torch sees."""
    facts: dict[str, Any] = {"host": platform.node(), "processors": usable()}
    if device == "cuda":
        from torch import cuda

        facts["gpus"] = [_gpu(cuda.get_device_properties(index)) for index in range(cuda.device_count())]
    return facts


def _gpu(properties: Any) -> str:
    return f"{properties.name}, {properties.total_memory / 2**30:.1f} GiB"


def _asked(python: str) -> dict[str, str]:
    """The versions in another Python's environment; what it says when it cannot be asked is kept."""
    try:
        done = subprocess.run(
            [python, "-c", _ASK, *PACKAGES],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=True,
        )
        return dict(from_json(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return {"unknown": str(error)}


def _checkout_facts(trainer: Trainer) -> dict[str, Any]:
    from wrapper.sd_scripts.installed import find_installation

    found = find_installation()
    facts: dict[str, Any] = {"checkout": str(trainer.checkout)}
    if found is not None and found.checkout == trainer.checkout:
        facts |= {"tag": found.tag, "commit": found.commit, "pinned": found.pinned}
    return facts
