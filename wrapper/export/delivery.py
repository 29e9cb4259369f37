"""What is delivered with one LoRA: the wish, and the files of each target as data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wrapper.export.architecture import full_size_layers
from wrapper.export.graphs import Graph, api_graph, comfy_sampler, ui_graph
from wrapper.export.proof import fits
from wrapper.export.source import Source, normalised
from wrapper.export.targets import (
    A1111_VERSIONS,
    API_FOLDER,
    ARCHITECTURES,
    BASE_VERSIONS,
    CHECKPOINTS,
    INPUT_FOLDER,
    SIZES_PX,
    TARGETS,
    TITLES,
    WORKFLOW_FOLDER,
    TargetName,
    Use,
)


@dataclass(frozen=True)
class Wish:
    """How one LoRA is to be delivered. ``uses``: what it was trained for; ``weight``: the preferred one.

    ``origin`` says which of a run's checkpoints the source is, and why that one.
    ``preview`` is a picture made with it; ``example`` an image and its mask (white: repaint) to inpaint.
    """

    source: Path
    name: str
    uses: tuple[Use, ...] = ("txt2img", "inpaint")
    trigger: str = ""
    description: str = ""
    prompt: str = ""
    negative: str = ""
    weight: float = 1.0
    sampler: str = "Euler a"
    steps: int = 40
    cfg: float = 5.0
    strength: float = 1.0
    seed: int = 1
    size_px: int = 0
    checkpoints: dict[str, str] = field(default_factory=dict)
    origin: str = ""
    preview: Path | None = None
    example: tuple[Path, Path] | None = None


@dataclass(frozen=True)
class Item:
    """One file: ``path`` below the target's own folder, ``role`` in words, ``write`` makes it."""

    path: str
    role: str
    write: Callable[[Path], None]


def items(wish: Wish, source: Source, target: TargetName) -> Iterator[Item]:
    """Every file that ``target`` gets."""
    folder = TARGETS[target].lora_folder
    yield Item(f"{folder}/{wish.name}.safetensors", "LoRA", lambda path: _write_lora(path, wish, source))
    if target == "a1111":
        yield _json_item(f"{folder}/{wish.name}.json", "side-car", side_car(wish, source))
        if wish.preview:
            yield Item(f"{folder}/{wish.name}.png", "preview", lambda path: write_preview(path, wish, None))
        return
    graphs = {use: workflow(wish, source, use) for use in wish.uses}
    for use, graph in graphs.items():
        yield _json_item(f"{WORKFLOW_FOLDER}/{wish.name}_{use}.json", f"{use} workflow", ui_graph(graph))
        yield _json_item(f"{API_FOLDER}/{wish.name}_{use}.json", f"{use} workflow, API form", graph)
    if wish.preview:
        first = graphs[wish.uses[0]]
        yield Item(f"{folder}/{wish.name}.png", "preview", lambda path: write_preview(path, wish, first))
    if wish.example and "inpaint" in wish.uses:
        image, mask = wish.example
        yield Item(
            f"{INPUT_FOLDER}/{example_name(wish)}",
            "image to inpaint",
            lambda path: write_example(path, image, mask),
        )


def side_car(wish: Wish, source: Source) -> dict[str, Any]:
    """A1111's ``NAME.json`` (1.10, ``extensions-builtin/Lora``)."""
    purpose = {"txt2img": "txt2img", "inpaint": "an inpainting checkpoint"}
    made = f"Made for {' and '.join(purpose[use] for use in wish.uses)}."
    notes = [made, wish.origin, size_note(source)]
    return {
        "description": wish.description,
        "sd version": A1111_VERSIONS[source.kind],
        "activation text": wish.trigger,
        "preferred weight": wish.weight,
        "negative text": wish.negative,
        "notes": " ".join(note for note in notes if note),
    }


def size_note(source: Source) -> str:
    """A sentence when the LoRA was made for a base of another size than people have; else empty."""
    title = TITLES[source.kind]
    if fits(source.modules, full_size_layers(source.kind)):
        return ""
    return f"Its base is not {title} in full size: only a program that loads this same base can use it."


def workflow(wish: Wish, source: Source, use: Use) -> Graph:
    """The ComfyUI graph of one use, in API form."""
    sampler, scheduler = comfy_sampler(wish.sampler)
    size = wish.size_px or SIZES_PX[source.kind]
    return api_graph(
        use,
        {
            "checkpoint": wish.checkpoints.get(use, CHECKPOINTS[source.kind, use]),
            "lora": f"{wish.name}.safetensors",
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
        },
    )


def example_name(wish: Wish) -> str:
    return f"{wish.name}_to_inpaint.png"


def file_metadata(wish: Wish, source: Source) -> dict[str, str]:
    """The source's metadata under the new name, complete for the loaders, without anybody's captions."""
    kept = {name: value for name, value in source.metadata.items() if name not in CAPTION_KEYS}
    own = {
        "ss_output_name": wish.name,
        "ss_base_model_version": kept.get("ss_base_model_version") or BASE_VERSIONS[source.kind],
        "modelspec.architecture": ARCHITECTURES[source.kind],
        "modelspec.title": wish.name,
        "modelspec.sai_model_spec": kept.get("modelspec.sai_model_spec", "1.0.0"),
    }
    told = {"modelspec.trigger_phrase": wish.trigger, "modelspec.description": wish.description}
    told["lorawrap_checkpoint"] = wish.origin
    return kept | own | {name: value for name, value in told.items() if value}


CAPTION_KEYS = ("ss_tag_frequency",)


def _write_lora(path: Path, wish: Wish, source: Source) -> None:
    from wrapper.lora.file import write_lora

    write_lora(path, normalised(source.modules), file_metadata(wish, source))


def write_preview(path: Path, wish: Wish, graph: Graph | None) -> None:
    """The preview as PNG with the text it carries, and ``graph``, so that ComfyUI can open it."""
    from PIL import Image, PngImagePlugin

    if wish.preview is None:
        raise ValueError("there is no preview to write")
    chunks = PngImagePlugin.PngInfo()
    with Image.open(wish.preview) as opened:
        opened.load()
        for key, value in opened.info.items():
            if isinstance(value, str):
                chunks.add_itxt(key, value) if key.startswith("XML:") else chunks.add_text(key, value)
        if graph is not None:
            chunks.add_text("prompt", json.dumps(graph))
            chunks.add_text("workflow", json.dumps(ui_graph(graph)))
        opened.convert("RGB").save(path, "PNG", pnginfo=chunks)


def write_example(path: Path, image: Path, mask: Path) -> None:
    """An RGBA PNG whose hole is transparent: ComfyUI's LoadImage takes 1 − alpha for the mask."""
    from PIL import Image, ImageChops

    with Image.open(image) as picture, Image.open(mask) as hole:
        rgba = picture.convert("RGB")
        rgba.putalpha(ImageChops.invert(hole.convert("L")))
        rgba.save(path, "PNG")


def _json_item(path: str, role: str, data: Any) -> Item:
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    return Item(path, role, lambda target: _write_text(target, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
