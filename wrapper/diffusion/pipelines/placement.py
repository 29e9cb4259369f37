"""Where a pipeline runs, how precisely, and how much of it lies on the GPU at a time, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dataset_tools.errors import UserError
from wrapper.base_model.kinds import Kind
from wrapper.diffusion.pipelines.machine import Machine

Precision = Literal["fp32", "fp16", "bf16"]
Attention = Literal["sdpa", "xformers"]
Memory = Literal["auto", "full", "balanced", "low"]
GIB = 2**30
WORKING_BYTES: dict[Kind, int] = {"sd15": int(1.5 * GIB), "sdxl": 4 * GIB}
"""What one picture of the base's own size takes beside the weights; most of it is for decoding it whole."""
TILED_BYTES: dict[Kind, int] = {"sd15": int(0.8 * GIB), "sdxl": int(1.5 * GIB)}
"""The same when it is decoded in tiles: what the U-Net takes."""
SPARE = 0.9
"""The share of the free memory that is counted on."""


@dataclass(frozen=True)
class Placement:
    """What the user asked for; ``auto`` leaves the choice to `choose`.

    ``device`` is ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    """

    device: str = "auto"
    precision: str = "auto"
    attention: str = "sdpa"
    memory: str = "auto"


@dataclass(frozen=True)
class Placed:
    """What it came to.

    ``memory``: everything lies on the device (``full``), one model at a time, or one layer at a time.
    """

    device: str
    precision: Precision
    attention: Attention
    memory: Memory
    why: str = ""

    @property
    def offloads(self) -> bool:
        """Whether models wait in the computer's memory; only a CUDA GPU has one of its own."""
        return self.memory in ("balanced", "low") and self.device.startswith("cuda")

    def line(self) -> str:
        """One line for the user."""
        kept = {
            "auto": "",
            "full": "",
            "balanced": "one model at a time on the GPU, VAE in tiles",
            "low": "one layer at a time on the GPU, VAE in tiles",
        }[self.memory]
        if kept and not self.offloads:
            kept = "VAE in tiles"
        parts = (self.device, self.precision, "xFormers" if self.attention == "xformers" else "", kept)
        return ", ".join(part for part in parts if part) + (f" ({self.why})" if self.why else "")


DEFAULT = Placement()


def choose(asked: Placement, machine: Machine) -> Placed:
    """Where to load a base to; ``memory`` may stay ``auto``. Raises `UserError` for what is not there."""
    device = _device(asked.device, machine)
    precision = _precision(asked.precision, device)
    attention = _attention(asked.attention, device, machine)
    memory = _named(asked.memory)
    if memory == "auto" and not device.startswith("cuda"):
        memory = "full"
    return Placed(device, precision, attention, memory)


def fit_memory(placed: Placed, machine: Machine, kind: Kind, model_bytes: Sequence[int]) -> Placed:
    """``placed`` with its ``memory`` chosen for models of these sizes, where that was left open."""
    if placed.memory != "auto":
        return placed
    free = machine.free_bytes[_index(placed.device)]
    wide = 2 if placed.precision == "fp32" else 1
    whole, tiled = WORKING_BYTES[kind] * wide, TILED_BYTES[kind] * wide
    memory = fitting(free, sum(model_bytes) + whole, max(model_bytes) + tiled)
    why = "" if memory == "full" else f"{free / GIB:.1f} GiB of GPU memory are free"
    return replace(placed, memory=memory, why=why)


def fitting(free: int, all_at_once: int, largest_alone: int) -> Memory:
    """What fits into ``free`` bytes, working memory counted in."""
    if all_at_once <= free * SPARE:
        return "full"
    return "balanced" if largest_alone <= free * SPARE else "low"


def _device(asked: str, machine: Machine) -> str:
    if asked == "auto":
        return "cuda" if machine.free_bytes else "mps" if machine.mps else "cpu"
    if asked.startswith("cuda"):
        return _cuda(asked, machine)
    if asked == "mps" and not machine.mps:
        raise UserError("--device mps: this machine has no Apple GPU that torch can use.", "Leave it out.")
    if asked not in ("cpu", "mps"):
        raise UserError(f"--device {asked}: is not a device.", "Known: auto, cpu, cuda, cuda:1, mps.")
    return asked


def _cuda(asked: str, machine: Machine) -> str:
    if asked != "cuda" and not asked.removeprefix("cuda:").isdecimal():
        raise UserError(f"--device {asked}: is not a device.", "Known: auto, cpu, cuda, cuda:1, mps.")
    count = len(machine.free_bytes)
    if not count:
        why = "torch sees no CUDA GPU" if machine.cuda_build else "this torch was built without CUDA"
        raise UserError(
            f"--device {asked}: {why}.", "'lorawrap doctor' tells what is there; --device cpu works."
        )
    if _index(asked) >= count:
        raise UserError(f"--device {asked}: there are {count} CUDA GPUs, counted from 0.")
    return asked


def _index(device: str) -> int:
    """``cuda`` → 0, ``cuda:1`` → 1."""
    return int(device.partition(":")[2] or 0)


def _precision(asked: str, device: str) -> Precision:
    """Half precision where it is safe: an Apple GPU makes black pictures of some models in fp16."""
    if asked == "auto":
        return "fp16" if device.startswith("cuda") else "fp32"
    if asked not in ("fp32", "fp16", "bf16"):
        raise UserError(f"--precision {asked}: is not a precision.", "Known: fp16, bf16, fp32.")
    if asked == "fp16" and device == "cpu":
        raise UserError("--precision fp16: a CPU does not compute in fp16.", "Use fp32, or bf16.")
    return asked  # type: ignore[return-value]


def _attention(asked: str, device: str, machine: Machine) -> Attention:
    if asked == "sdpa":
        return "sdpa"
    if asked != "xformers":
        raise UserError(f"--attention {asked}: is not known.", "Known: sdpa, xformers.")
    if not device.startswith("cuda"):
        raise UserError("--attention xformers: xFormers needs a CUDA GPU.", "Use sdpa, the default.")
    if not machine.xformers:
        raise UserError(
            "--attention xformers: xFormers is not installed.",
            "Install the build that fits your torch, or use sdpa, the default.",
        )
    return "xformers"


def _named(memory: str) -> Memory:
    if memory not in ("auto", "full", "balanced", "low"):
        raise UserError(f"--memory {memory}: is not known.", "Known: auto, full, balanced, low.")
    return memory  # type: ignore[return-value]
