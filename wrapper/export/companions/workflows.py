"""The ComfyUI workflows that are delivered with a LoRA."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wrapper.export.companions.graphs import Graph, api_graph, comfy_sampler, graph_faults
from wrapper.export.proofs.proof import Proof
from wrapper.export.source import Source
from wrapper.export.targets import CHECKPOINTS, SIZES_PX, Use
from wrapper.export.wish import Wish, WorkflowName


def workflow(wish: Wish, source: Source, name: WorkflowName, subfolder: str = "") -> Graph:
    """One graph in API form. ComfyUI calls the LoRA by its path below the LoRA folder."""
    sampler, scheduler = comfy_sampler(wish.sampler)
    size = wish.size_px or SIZES_PX[source.kind]
    values: dict[str, Any] = {
        "checkpoint": _checkpoint(wish, source, name),
        "lora": str(Path(subfolder, f"{wish.name}.safetensors")),
        "weight": wish.weight,
        "positive": wish.prompt or wish.trigger,
        "negative": wish.negative,
        "width": size,
        "height": size,
        "image": example_name(wish),
        "seed": wish.seed,
        "steps": wish.steps,
        "cfg": wish.cfg,
        "sampler": sampler,
        "scheduler": scheduler,
        "strength": wish.strength,
        "prefix": wish.name,
    }
    return api_graph(name, values)


def _checkpoint(wish: Wish, source: Source, name: WorkflowName) -> str:
    use: Use = "inpaint" if name == "inpaint" else "txt2img"
    return wish.checkpoints.get(use, CHECKPOINTS[source.kind, use])


def preview_workflow(wish: Wish, source: Source, subfolder: str = "") -> Graph:
    """The graph that lies in the preview picture."""
    return workflow(wish, source, wish.workflows[0], subfolder)


def example_name(wish: Wish) -> str:
    return f"{wish.name}_to_inpaint.png"


def prove_workflows(wish: Wish, source: Source) -> Proof:
    """Every node, input and link of each graph is one that ComfyUI has."""
    faults = [fault for name in wish.workflows for fault in graph_faults(workflow(wish, source, name))]
    detail = "; ".join(faults) or f"{', '.join(wish.workflows)}: every node, input and link"
    return Proof("ComfyUI's workflows hold together", not faults, detail)
