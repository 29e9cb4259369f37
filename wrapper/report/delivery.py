"""The page's part on the export: what lies where, what was proved, how to use it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wrapper.export.job import RECORD
from wrapper.export.targets import TARGETS
from wrapper.project.layout import ProjectPaths
from wrapper.records import read_json


@dataclass(frozen=True)
class DeliveredFile:
    target: str
    role: str
    path: str
    size: str
    digest: str


@dataclass(frozen=True)
class Delivered:
    """One LoRA. ``how`` are the steps of its use, a list for each program's title."""

    name: str
    uses: str
    files: list[DeliveredFile]
    proofs: list[tuple[str, str]]
    notes: list[str]
    how: list[tuple[str, list[str]]]


@dataclass(frozen=True)
class DeliveryPart:
    missing: str = ""
    loras: list[Delivered] = field(default_factory=list)


def delivery_part(paths: ProjectPaths) -> DeliveryPart:
    """Read ``export/export.json``."""
    record = read_json(paths.export / RECORD)
    if record is None:
        return DeliveryPart(missing="Nothing was exported: there is no export/export.json.")
    return DeliveryPart(loras=[_delivered(lora) for lora in record["loras"]])


def _delivered(lora: dict[str, Any]) -> Delivered:
    targets = list(dict.fromkeys(file["target"] for file in lora["files"]))
    return Delivered(
        name=lora["name"],
        uses=" and ".join(lora["uses"]),
        files=[_file(file) for file in lora["files"]],
        proofs=[(proof["what"], proof["detail"]) for proof in lora["proofs"]],
        notes=lora["notes"],
        how=[(TARGETS[target].title, _HOW[target](lora)) for target in targets],
    )


def _file(file: dict[str, Any]) -> DeliveredFile:
    return DeliveredFile(
        TARGETS[file["target"]].title, file["role"], file["path"], size(file["bytes"]), file["sha256"][:10]
    )


def size(count: int) -> str:
    """``size(2_500_000)`` → ``2.5 MB`` (decimal)."""
    for unit, factor in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"


def _webui(lora: dict[str, Any], folder: str, program: str) -> list[str]:
    checkpoint = (
        "an inpainting checkpoint, tab img2img → Inpaint" if lora["uses"] == ["inpaint"] else "a checkpoint"
    )
    return [
        f"Copy what lies in export/{folder} into {program}'s own folder.",
        f"Choose {checkpoint}, of the kind it was trained on.",
        f"Write <lora:{lora['name']}:{lora['weight']:g}> {lora['trigger']} in the prompt.",
    ]


def _comfyui(lora: dict[str, Any]) -> list[str]:
    workflows = " or ".join(f"{lora['name']}_{use}" for use in lora["uses"])
    return [
        "Copy what lies in export/comfyui into ComfyUI's own folder.",
        f"Open {workflows} from the workflows, or drop the preview picture onto the canvas.",
        "Choose your checkpoint in its first node, then queue.",
    ]


def _a1111(lora: dict[str, Any]) -> list[str]:
    return _webui(lora, "a1111", "AUTOMATIC1111")


def _forge(lora: dict[str, Any]) -> list[str]:
    return _webui(lora, "forge", "Forge")


def _diffusers(lora: dict[str, Any]) -> list[str]:
    return [f'pipeline.load_lora_weights("export/diffusers", weight_name="{lora["name"]}.safetensors")']


def _folder(lora: dict[str, Any]) -> list[str]:
    return [f"Put {lora['name']}.safetensors from export/folder where your program keeps its LoRAs."]


_HOW = {"a1111": _a1111, "forge": _forge, "comfyui": _comfyui, "diffusers": _diffusers, "folder": _folder}
