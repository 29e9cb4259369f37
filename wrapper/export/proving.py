"""Every proof of one LoRA's files, as they were written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import RunFailed
from wrapper.export.companions.workflows import prove_workflows
from wrapper.export.delivery import LORA, Item, size_note
from wrapper.export.key_maps.architecture import full_size_layers
from wrapper.export.plan import Planned
from wrapper.export.proofs.in_diffusers import IN_DIFFUSERS
from wrapper.export.proofs.program import prove_keys, prove_metadata
from wrapper.export.proofs.proof import CHANGE, KEYS, SHAPES, VALUES, Proof, prove_alpha, prove_modules
from wrapper.export.source import read_source
from wrapper.export.targets import TITLES, TargetName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wrapper.export.source import Modules
    from wrapper.lora.layers import Layer

Staged = Sequence[tuple[Item, Path]]
"""Each item, and the file that was written for it."""
NOT_DRAWN = (
    "Not proved: that a picture with it differs from one without. That takes its base model: give --base."
)


def prove(one: Planned, staged: Staged) -> list[Proof]:
    """Every proof; raises `RunFailed` with those that failed."""
    proofs = list(_proofs(one, staged))
    failed = [proof for proof in proofs if not proof.passed]
    if failed:
        lines = "\n".join(f"  {proof.what}: {proof.detail}" for proof in failed)
        source = one.order.wish.source
        raise RunFailed(
            f"{source}: the export does not hold, so nothing was delivered.\n{lines}", _hint(one, failed)
        )
    return proofs


def _hint(one: Planned, failed: Sequence[Proof]) -> str:
    """What to do about the first of the proofs that failed."""
    hints = {
        VALUES: "Take another checkpoint of that training, one from before it went wrong.",
        CHANGE: "Rounding changed it: give --precision fp32.",
        IN_DIFFUSERS: "Without --to diffusers the other targets can be delivered.",
    }
    fitting = [proof for proof in failed if proof.what in (KEYS, SHAPES)]
    if any("lora_unet_conv_in" in proof.detail for proof in fitting):
        return "conv_in is no layer for a LoRA: it has 4 or 9 channels, and A1111 and ComfyUI fail on it."
    if fitting:
        return "" if one.order.base else "A LoRA for a base of another size needs that base: give --base."
    return hints.get(failed[0].what, "")


def _proofs(one: Planned, staged: Staged) -> Iterator[Proof]:
    """The cheapest first; a picture is drawn only of what holds so far."""
    pipeline, layers, title = _base(one)
    shown: list[Proof] = []
    for proof in _of_files(one, staged, layers, title):
        shown.append(proof)
        yield proof
    if not all(proof.passed for proof in shown):
        return
    for_diffusers = _loras(staged).get("diffusers")
    if for_diffusers:
        yield _in_diffusers(one, for_diffusers, pipeline)
    if one.order.base is not None:
        from wrapper.export.proofs.base import prove_picture

        wish = one.order.wish
        lora = next(iter(_loras(staged).values()))
        yield prove_picture(pipeline, one.order.base, lora, wish.prompt or wish.trigger)


def _base(one: Planned) -> tuple[Any, Mapping[str, Layer], str]:
    """The pipeline (None without a base), the layers to hold the LoRA against, and whose they are."""
    base, kind = one.order.base, one.source.kind
    if base is None:
        return None, full_size_layers(kind), TITLES[kind]
    from wrapper.export.proofs.base import base_layers, load_base

    pipeline = load_base(base)
    return pipeline, base_layers(pipeline), f"its base '{base.path.name}' ({TITLES[base.kind]})"


def _of_files(one: Planned, staged: Staged, layers: Mapping[str, Layer], title: str) -> Iterator[Proof]:
    source, wish = one.source, one.order.wish
    loras = _loras(staged)
    kohya = next((path for target, path in loras.items() if target != "diffusers"), None)
    first = kohya or next(iter(loras.values()))
    modules, metadata = _read_back(first, source.kind, is_kohya=kohya is not None)
    yield from prove_modules(modules, source.modules, layers, title, wish.precision)
    if kohya is not None:
        yield prove_alpha(modules)
    yield prove_metadata(first, metadata, loras, source.kind, wish.name)
    if not size_note(source):
        yield from (prove_keys(path, target, source.kind, source.modules) for target, path in loras.items())
    if "comfyui" in loras:
        yield prove_workflows(wish, source)


def _loras(staged: Staged) -> dict[TargetName, Path]:
    """The file that each target loads."""
    return {target: path for item, path in staged if item.role == LORA for target in item.targets}


def _read_back(path: Path, kind: Any, *, is_kohya: bool) -> tuple[Modules, Mapping[str, str]]:
    if not is_kohya:
        source = read_source(path, kind)
        return source.modules, source.metadata
    from wrapper.lora.file import read_lora

    lora = read_lora(path)
    return lora.modules(), lora.metadata


def _in_diffusers(one: Planned, path: Path, pipeline: Any) -> Proof:
    from wrapper.export.proofs.in_diffusers import pipeline_without_weights, prove_in_diffusers

    pipeline = pipeline or pipeline_without_weights(one.source.kind)
    return prove_in_diffusers(path, one.source.modules, pipeline, one.order.wish.precision)
