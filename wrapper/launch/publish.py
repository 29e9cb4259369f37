"""A verified LoRA at its public place, and checkpoints under their true names."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.files import whole_file
from dataset_tools.system.left_by_systems import visible
from wrapper.safetensors_header import read_header

_STEP = re.compile(r"-step(?P<step>\d{8})(?=\.safetensors$)")


def publish(made: Path, published: Path, steps: int) -> None:
    """Put the LoRA at its public place, whole; the run keeps its own.

    The file of a resumed run says what the trainer counted since; the published one says ``steps``.
    """
    if _told_steps(made) in (None, steps):
        with whole_file(published) as temporary:
            shutil.copyfile(made, temporary)
        return
    from wrapper.lora.file import read_lora, write_lora

    lora = read_lora(made)
    write_lora(published, lora.tensors, {**lora.metadata, "ss_steps": str(steps)})


def gather_checkpoints(part: Path, output: Path, last: str, short: int) -> None:
    """Move the checkpoints of a resumed ``part`` of a run into ``output``, under their true names.

    The part's count is ``short`` of the run's: its ``…-step00000010`` has ``10 + short`` steps. The file
    called ``last`` stays: it is judged where it was made. So does one that an interrupt has torn.
    """
    for path in sorted(visible(part.glob("*.safetensors"))):
        if path.name != last and _is_whole(path):
            name = _STEP.sub(lambda found: f"-step{int(found['step']) + short:08d}", path.name)
            publish(path, output / name, (_told_steps(path) or 0) + short)
            path.unlink()


def _is_whole(path: Path) -> bool:
    try:
        read_header(path)
    except UserError:
        return False
    return True


def _told_steps(path: Path) -> int | None:
    text = read_header(path).metadata.get("ss_steps", "")
    return int(text) if text.isdecimal() else None
