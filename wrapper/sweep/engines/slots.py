"""How many trials at once on this machine, and on which GPU each."""

from __future__ import annotations

import os

from dataset_tools.errors import UserError
from wrapper.launch.command import cpu_threads
from wrapper.launch.processes import processes
from wrapper.sweep.engines.local import Slot

VISIBLE = "CUDA_VISIBLE_DEVICES"


def slots(visible: int, gpus: str = "", per_gpu: int = 1, at_once: int = 0) -> list[Slot]:
    """A place for each trial that runs at once; ``visible`` GPUs are there.

    ``gpus``: how many, which, or ``all``, as for a training; the first one where nothing is said. On a CPU so
    many as ``at_once`` says, one without it. Raises `UserError` for what cannot be.
    """
    if not visible:
        if gpus or per_gpu > 1:
            asked = f"--gpus {gpus}" if gpus else f"--per-gpu {per_gpu}"
            raise UserError(
                f"{asked}: there is no GPU here.", "Give --at-once N for several on the processors."
            )
        return _on_processors(max(at_once, 1))
    if at_once:
        raise UserError("--at-once is for processors; there are GPUs here.", "Give --gpus and --per-gpu.")
    where = processes("cuda", gpus=gpus, visible=visible)
    found = where.gpus or range(where.here)
    return [_on_gpu(index, number, per_gpu) for number in range(per_gpu) for index in found]


def _on_gpu(index: int, number: int, per_gpu: int) -> Slot:
    """A GPU by the name that the system has for it: this process may see only some of them."""
    named = os.environ.get(VISIBLE, "")
    name = named.split(",")[index].strip() if named else str(index)
    place = f" ({number + 1} of {per_gpu})" if per_gpu > 1 else ""
    return Slot(f"GPU {name}{place}", {VISIBLE: name})


def _on_processors(count: int) -> list[Slot]:
    """They share the processors evenly, where nobody has said how many threads each may have."""
    if count == 1:
        return [Slot("CPU", {})]
    threads = str(max(cpu_threads() // count, 1))
    env = {} if os.environ.get("OMP_NUM_THREADS") else {"OMP_NUM_THREADS": threads}
    return [Slot(f"CPU ({number + 1} of {count})", env) for number in range(count)]
