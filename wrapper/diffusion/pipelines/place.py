"""A loaded pipeline onto its device: attention, offload and VAE tiles as its placement says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError

if TYPE_CHECKING:
    import torch

    from wrapper.diffusion.pipelines.placement import Placed


def dtype_of(placed: Placed) -> torch.dtype:
    """torch's type for a precision."""
    import torch

    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[placed.precision]


def model_bytes(pipeline: Any) -> list[int]:
    """The size in bytes of each model of a pipeline, LoRAs and ControlNets included."""
    import torch

    models = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    return [sum(t.numel() * t.element_size() for t in model.parameters()) for model in models]


def use_attention(pipeline: Any, placed: Placed) -> None:
    """xFormers where it was asked for; torch's own SDPA is there already. Raises `UserError`."""
    if placed.attention != "xformers":
        return
    try:
        pipeline.enable_xformers_memory_efficient_attention()
    except (ModuleNotFoundError, NotImplementedError, ValueError) as error:
        why = " ".join(str(error).split())
        raise UserError(f"--attention xformers: it does not work here ({why[:200]}).", "Use sdpa.") from error


def place(pipeline: Any, placed: Placed) -> None:
    """Move a pipeline from the CPU to where ``placed`` says."""
    if placed.memory in ("balanced", "low"):
        pipeline.vae.enable_slicing()
        pipeline.vae.enable_tiling()
    if not placed.offloads:
        pipeline.to(placed.device)
    elif placed.memory == "balanced":
        pipeline.enable_model_cpu_offload(device=placed.device)
    else:
        pipeline.enable_sequential_cpu_offload(device=placed.device)
