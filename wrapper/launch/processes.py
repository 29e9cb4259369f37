"""Where a run's processes are: on a CPU, on one GPU or several, on one machine or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dataset_tools.errors import UserError

Device = Literal["cpu", "cuda"]
PORT = 29500


@dataclass(frozen=True)
class Processes:
    """``here`` processes on this machine, number ``rank`` of ``machines`` equal ones.

    ``gpus`` are the indices of the GPUs to use; empty for the first ones. ``address`` and ``port`` are those
    of machine 0, where the others find it.
    """

    device: Device = "cpu"
    here: int = 1
    gpus: tuple[int, ...] = ()
    machines: int = 1
    rank: int = 0
    address: str = ""
    port: int = PORT

    @property
    def total(self) -> int:
        return self.here * self.machines

    @property
    def is_main(self) -> bool:
        """Whether this machine writes the LoRA."""
        return self.rank == 0

    def on(self, rank: int) -> Processes:
        """The same run, seen from another machine."""
        return replace(self, rank=rank)

    def launcher(self, mixed_precision: str, threads: int) -> tuple[str, ...]:
        """What stands between Python and the script.

        Which GPUs is always said: accelerate takes them out of the user's own ``default_config.yaml``
        otherwise, whatever CUDA_VISIBLE_DEVICES says.
        """
        return (
            *("-m", "accelerate.commands.launch", *(("--multi_gpu",) if self.total > 1 else ())),
            *("--num_processes", str(self.total), "--num_machines", str(self.machines), *self._meeting()),
            *(("--gpu_ids", ",".join(map(str, self.gpus)) or "all") if self.device == "cuda" else ()),
            *("--mixed_precision", mixed_precision, "--dynamo_backend", "no"),
            *("--num_cpu_threads_per_process", str(threads)),
            *(("--cpu",) if self.device == "cpu" else ()),
        )

    def _meeting(self) -> tuple[str, ...]:
        """Where the processes find each other; on one machine a free port does."""
        if self.machines > 1:
            where = ("--main_process_ip", self.address, "--main_process_port", str(self.port))
            return ("--machine_rank", str(self.rank), *where)
        return ("--main_process_port", "0") if self.total > 1 else ()


def processes(
    device: Device,
    *,
    gpus: str = "",
    machines: int = 1,
    rank: int = 0,
    address: str = "",
    port: int = PORT,
    visible: int = 0,
) -> Processes:
    """What the command line asks for, ``visible`` GPUs being there. `UserError` for what cannot be.

    ``gpus`` is how many (``2``), which (``0,2``; ``1,`` for one), or ``all``. A CPU run is one process: on
    CPUs accelerate distributes the frozen U-Net too, which torch refuses.
    """
    if gpus and device == "cpu":
        raise UserError(f"--gpus {gpus}: the device is the CPU.", "Leave out --gpus, or give --device cuda.")
    if machines > 1 and device == "cpu":
        raise UserError("--machines: on a CPU a run is one process on one machine.", "Give --device cuda.")
    if not 0 <= rank < machines:
        raise UserError(
            f"--machine-rank {rank}: {machines} machines are numbered 0 to {machines - 1}.",
            "Give every machine its own number.",
        )
    if machines > 1 and not address:
        raise UserError(
            "--machines needs --main-address.", "It is the name or the IP address of the machine with rank 0."
        )
    count, indices = _gpus(gpus, visible)
    return Processes(device, count, indices, machines, rank, address, port)


def _gpus(asked: str, visible: int) -> tuple[int, tuple[int, ...]]:
    """How many GPUs, and which: none named where the first ones do."""
    if not asked:
        return 1, ()
    if asked == "all":
        return max(visible, 1), ()
    if asked.isdecimal() and int(asked) > 0:
        _refuse_missing(asked, range(int(asked)), visible)
        return int(asked), ()
    parts = [part.strip() for part in asked.split(",") if part.strip()] if "," in asked else []
    indices = tuple(int(part) for part in parts if part.isdecimal())
    if not indices or len(indices) < len(parts) or len(set(indices)) < len(indices):
        raise UserError(f"--gpus {asked}: expected a number, 'all', or indices.", "For example --gpus 0,2.")
    _refuse_missing(asked, indices, visible)
    return len(indices), indices


def _refuse_missing(asked: str, indices: Sequence[int], visible: int) -> None:
    if visible and max(indices) >= visible:
        there = f"{visible} GPUs are" if visible > 1 else "1 GPU is"
        raise UserError(f"--gpus {asked}: {there} there.", f"The indices are 0 to {visible - 1}.")
