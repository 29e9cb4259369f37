"""Does the program that a file is for take every key of it, and know what it is? By its own table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from dataset_tools.wording import count_of, some
from wrapper.base_model.kinds import Kind
from wrapper.export.key_maps import key_map
from wrapper.export.key_maps.architecture import full_size_layers
from wrapper.export.proofs.proof import Proof
from wrapper.export.targets import A1111_VERSIONS, TARGETS, WEBUIS, TargetName
from wrapper.lora.metadata import ARCHITECTURES

MAX_HEADER_BYTES = 1 << 20
"""ComfyUI's ``/view_metadata`` answers 404 above this (0.3.64, ``server.py``)."""
_PARTS = (".lora_down.weight", ".lora_up.weight", ".alpha", ".lora_A.weight", ".lora_B.weight")


def prove_keys(path: Path, target: TargetName, kind: Kind, modules: Iterable[str]) -> Proof:
    """Every key in the file is one that ``target`` puts on a layer; ``modules`` are the layers meant."""
    from wrapper.safetensors_header import read_header

    table, keys = key_map(target, kind, full_size_layers(kind)), list(read_header(path).tensors)
    reached = {key: table.get(_module(key), "") for key in keys}
    lost = sorted(key for key, layer in reached.items() if not layer)
    missing = sorted(set(modules) - set(reached.values()))
    halves = list(_half_attentions(reached.values())) if target in ("a1111", "folder") else []
    title = "each program" if target == "folder" else TARGETS[target].title
    detail = f"{len(keys)} of {count_of(len(keys), 'key')}, {count_of(len(set(reached.values())), 'layer')}"
    if lost:
        detail = f"{len(lost)} of {count_of(len(keys), 'key')} are dropped: {some(lost)}"
    elif missing:
        detail = f"{count_of(len(missing), 'layer is not', 'layers are not')} reached: {some(missing)}"
    elif halves:
        detail = f"q, k, v and out are not all there, so that it drops them: {some(halves)}"
    return Proof(f"{title} maps every key", not (lost or missing or halves), detail)


def _module(key: str) -> str:
    for part in _PARTS:
        if key.endswith(part):
            return key.removesuffix(part)
    return key


def _half_attentions(layers: Iterable[str]) -> Iterator[str]:
    """Attentions of SDXL's second text encoder, which A1111 applies only as a whole."""
    found: dict[str, set[str]] = {}
    for name in layers:
        if name.startswith("lora_te2_") and "_self_attn_" in name:
            found.setdefault(name.partition("_self_attn_")[0], set()).add(name)
    return (name for name, parts in found.items() if len(parts) != 4)


def prove_metadata(
    path: Path, metadata: Mapping[str, str], targets: Iterable[TargetName], kind: Kind, name: str
) -> Proof:
    """Hashes are the file's own, and each program takes the LoRA for what it is, under its name."""
    from wrapper.lora.hashes import model_hash
    from wrapper.safetensors_header import read_header

    faults = []
    if metadata.get("sshs_model_hash") != model_hash(path):
        faults.append("sshs_model_hash is not the hash of the weights")
    if metadata.get("ss_output_name") != name:
        faults.append(f"ss_output_name is {metadata.get('ss_output_name')!r}, the file is called {name!r}")
    wrong = [
        target
        for target in targets
        if target in WEBUIS and _taken_for(target, metadata) != A1111_VERSIONS[kind]
    ]
    faults += [f"{TARGETS[target].title} takes it for {_taken_for(target, metadata)}" for target in wrong]
    size = read_header(path).data_start
    if size > MAX_HEADER_BYTES:
        faults.append(f"the header has {size} bytes, ComfyUI shows at most {MAX_HEADER_BYTES}")
    detail = "; ".join(faults) or f"{A1111_VERSIONS[kind]}, header {size // 1024 + 1} KiB"
    return Proof("metadata and hashes are the file's own", not faults, detail)


def _taken_for(target: TargetName, metadata: Mapping[str, str]) -> str:
    """The kind of base that A1111 (1.10.1) or Forge reads in the metadata (their ``network.py``)."""
    architecture = metadata.get("modelspec.architecture")
    if target == "forge" and architecture == ARCHITECTURES["sdxl"]:
        return "SDXL"
    if metadata.get("ss_base_model_version", "").startswith("sdxl_"):
        return "SDXL"
    if metadata.get("ss_v2") == "True":
        return "SD2"
    if target == "forge":
        return "SD1" if architecture == ARCHITECTURES["sd15"] else "Unknown"
    return "SD1" if metadata else "Unknown"
