"""What this machine can do for lorawrap, as data: each finding says what is so, and what to do about it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dataset_tools.system.processors import usable
from wrapper.finding import Finding

NEEDED = ("torch", "diffusers", "transformers", "peft", "accelerate", "safetensors", "opencv-python-headless")
FREE_DISK_GIB = 10
GIB = 2**30


def examine(folder: Path) -> Iterator[Finding]:
    """All findings for work in ``folder``."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _packages,
        lambda: _disk(folder),
        _device,
        _demo_base,
        _sd_scripts,
        _engine,
    )
    for check in checks:
        yield from check()


def _python() -> Iterator[Finding]:
    found = ".".join(str(part) for part in sys.version_info[:3])
    good = sys.version_info >= (3, 10)
    yield Finding(
        "ok" if good else "fault", "Python", found, "" if good else "Python 3.10 or newer is needed."
    )


def _packages() -> Iterator[Finding]:
    for name in NEEDED:
        try:
            yield Finding("ok", name, version(name))
        except PackageNotFoundError:
            hint = "opencv-python serves as well." if name.startswith("opencv") and _imports("cv2") else ""
            yield Finding(
                "note" if hint else "fault", name, "is not installed.", hint or f"pip install {name}"
            )


def _imports(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def _disk(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free / GIB
    enough = free >= FREE_DISK_GIB
    hint = "" if enough else "Checkpoints, states and caches of a full-size run take about 10 GiB."
    yield Finding("ok" if enough else "note", "disk", f"{free:.0f} GiB free in {folder}", hint)
    if not os.access(folder, os.W_OK):
        yield Finding("fault", "disk", f"{folder} cannot be written to.", "Choose another folder.")


def _device() -> Iterator[Finding]:
    import torch

    if not torch.cuda.is_available():
        text = f"no CUDA GPU; {usable()} processor cores"
        yield Finding("note", "device", text, "The demo and small models run; SD 1.5 at 512 px needs a GPU.")
        return
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        yield Finding("ok", "device", f"{card.name}, {card.total_memory / GIB:.0f} GiB")
    for package, use in (
        ("bitsandbytes", "8-bit AdamW"),
        ("xformers", "xFormers attention; SDPA works without"),
    ):
        if not _imports(package):
            yield Finding(
                "note", package, "is not installed.", f"It is needed for {use}: pip install {package}"
            )


def _demo_base() -> Iterator[Finding]:
    from wrapper.demo.base_model import base_folder

    weights = sorted(base_folder().rglob("*.safetensors"))
    size_mb = sum(path.stat().st_size for path in weights) / 1e6
    whole = len(weights) >= 4
    hint = "" if whole else "Install lorawrap again, or make it: python -m wrapper.demo.make_base"
    yield Finding("ok" if whole else "fault", "demo base", f"{len(weights)} models, {size_mb:.0f} MB", hint)


def _sd_scripts() -> Iterator[Finding]:
    from wrapper.sd_scripts.status import examine as examine_sd_scripts

    yield from examine_sd_scripts()


def _engine() -> Iterator[Finding]:
    from dataset_tools.errors import UserError
    from wrapper.launch.engine import find_trainer

    try:
        taken = find_trainer("auto", "train_network")
    except UserError as error:
        yield Finding("fault", "engine", error.message, error.hint)
        return
    yield Finding("ok", "engine", f"auto takes {taken.engine}: {taken.why}")
