"""diffusers' own loader, asked whether it takes an exported file whole, and what it makes of it.

A base model of full size stands behind it, or without one its layers alone, which need no memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataset_tools.wording import count_of, some
from wrapper.base_model.architecture import Configs, models_on_meta
from wrapper.base_model.kinds import Kind
from wrapper.export.key_maps.architecture import TEXT_ENCODERS, UNETS
from wrapper.export.proofs.proof import DELTA_TOLERANCES, Proof, acts
from wrapper.export.source import ALPHA, DOWN, UP, Modules
from wrapper.export.targets import Precision
from wrapper.lora.deltas import delta_error

IN_DIFFUSERS = "diffusers' own loader takes it whole"
_SDXL_TEXT_TIME = {
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": (5, 10, 20),
}


def prove_in_diffusers(path: Path, source: Modules, pipeline: Any, precision: Precision) -> Proof:
    """Load ``path`` into ``pipeline`` as users do, compare every layer's ΔW with the source, take it out."""
    from wrapper.quiet import quiet_libraries

    with quiet_libraries():
        try:
            pipeline.load_lora_weights(path.parent, weight_name=path.name)
        except (ValueError, RuntimeError) as error:
            return Proof(IN_DIFFUSERS, False, f"it refuses: {' '.join(str(error).split())[:200]}")
        loaded = dict(_loaded(pipeline))
        pipeline.unload_lora_weights()
    added = [name for name, parts in loaded.items() if name not in source and acts(parts)]
    missing = sorted(set(source) - set(loaded))
    if missing or added:
        return Proof(IN_DIFFUSERS, False, f"other layers: {some(missing + added)}")
    errors = {name: delta_error(source[name], loaded[name]) for name in source}
    worst = max(errors, key=lambda name: errors[name])
    passed = errors[worst] <= DELTA_TOLERANCES[precision]
    detail = f"{count_of(len(source), 'layer')}, largest relative difference {errors[worst]:.1e}"
    return Proof(IN_DIFFUSERS, passed, detail)


def _loaded(pipeline: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is in the pipeline's layers now, by Kohya name."""
    import torch
    from peft.tuners.tuners_utils import BaseTunerLayer

    from wrapper.lora.apply import pipeline_models
    from wrapper.lora.names import kohya_name

    kind, models = pipeline_models(pipeline)
    for component, model in models.items():
        for path, layer in model.named_modules():
            if isinstance(layer, BaseTunerLayer):
                (adapter,) = layer.lora_A
                down, up = layer.lora_A[adapter].weight, layer.lora_B[adapter].weight
                alpha = torch.tensor(layer.scaling[adapter] * down.shape[0])
                yield kohya_name(component, path, kind), {DOWN: down.data, UP: up.data, ALPHA: alpha}


def pipeline_without_weights(kind: Kind) -> Any:
    """A full-size pipeline of ``kind`` that has every layer, with one zero for all its weights."""
    from wrapper.quiet import quiet_libraries

    with quiet_libraries():
        from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline

    models = models_on_meta(Configs(_unet(kind), {}, list(_text(kind))), kind)
    unet, first, *second = map(_given_zeros, models.values())
    rest: dict[str, Any] = dict.fromkeys(("vae", "tokenizer", "scheduler"))
    if kind == "sdxl":
        rest |= {"tokenizer_2": None, "text_encoder_2": second[0]}
        return StableDiffusionXLPipeline(unet=unet, text_encoder=first, **rest)
    checker = dict.fromkeys(("safety_checker", "feature_extractor"))
    return StableDiffusionPipeline(
        unet=unet, text_encoder=first, **rest, **checker, requires_safety_checker=False
    )


def _given_zeros(model: Any) -> Any:
    """``model`` off the meta device, where PEFT would leave a LoRA too: one zero seen in every shape."""
    import torch

    for module in model.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            zeros = torch.zeros(()).expand(weight.shape)
            setattr(module, name, torch.nn.Parameter(zeros, requires_grad=False))
        for name, buffer in list(module.named_buffers(recurse=False)):
            setattr(module, name, torch.zeros(buffer.shape, dtype=buffer.dtype))
    return model


def _unet(kind: Kind) -> dict[str, Any]:
    plan = UNETS[kind]
    sizes: dict[str, Any] = {
        "block_out_channels": plan.channels,
        "cross_attention_dim": plan.context,
        "use_linear_projection": plan.linear_projection,
    }
    depth = {"transformer_layers_per_block": tuple(max(1, one) for one in plan.depth)}
    return sizes | (depth | _SDXL_TEXT_TIME if kind == "sdxl" else {})


def _text(kind: Kind) -> Iterator[Mapping[str, Any]]:
    for plan in TEXT_ENCODERS[kind].values():
        yield {
            "hidden_size": plan.hidden,
            "intermediate_size": 4 * plan.hidden,
            "num_hidden_layers": plan.layers,
            "num_attention_heads": plan.hidden // 64,
            "projection_dim": plan.hidden,
        }
