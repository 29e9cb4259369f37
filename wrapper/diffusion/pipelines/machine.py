"""What this machine has to draw with."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class Machine:
    """Free memory of each CUDA GPU in bytes, whether torch could use one, and what else is there."""

    free_bytes: tuple[int, ...] = ()
    cuda_build: bool = False
    mps: bool = False
    xformers: bool = False


def this_machine() -> Machine:
    """Ask torch."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return Machine(
        tuple(torch.cuda.mem_get_info(index)[0] for index in range(count)),
        bool(torch.version.cuda or torch.version.hip),
        torch.backends.mps.is_available(),
        find_spec("xformers") is not None,
    )
