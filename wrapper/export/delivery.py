"""Which files each target gets with one LoRA, as data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.files import write_text
from wrapper.export.companions.example_script import example_script
from wrapper.export.companions.graphs import ui_graph
from wrapper.export.companions.workflows import example_name, preview_workflow, workflow
from wrapper.export.key_maps.architecture import full_size_layers
from wrapper.export.places.program_folder import Place
from wrapper.export.proofs.proof import fits
from wrapper.export.source import Source
from wrapper.export.targets import (
    A1111_VERSIONS,
    API_FOLDER,
    INPUT_FOLDER,
    TITLES,
    WORKFLOW_FOLDER,
    TargetName,
)
from wrapper.export.wish import Wish

LORA = "LoRA"
"""The role of the weights themselves."""


@dataclass(frozen=True)
class Item:
    """One file: ``path`` is where it goes, ``role`` says what it is, ``write`` makes it anywhere.

    ``also`` are further targets that read this same file; ``stays`` that it is there, and shared.
    """

    target: TargetName
    path: Path
    role: str
    write: Callable[[Path], None]
    also: tuple[TargetName, ...] = ()
    stays: bool = False

    @property
    def targets(self) -> tuple[TargetName, ...]:
        return (self.target, *self.also)


def items(wish: Wish, source: Source, place: Place) -> Iterator[Item]:
    """Every file that the target of ``place`` gets."""
    target, base = place.target, place.folder / wish.name
    yield Item(target, _named(base, ".safetensors"), LORA, _lora_writer(wish, source, target))
    if target in ("a1111", "forge", "folder"):
        yield _json_item(target, _named(base, ".json"), "side-car", side_car(wish, source))
    if target == "diffusers":
        yield _text_item(target, _named(base, "_example.py"), "example", example_script(wish, source))
    if target == "comfyui":
        yield from _workflows(wish, source, place)
    yield Item(target, _named(base, ".png"), *_preview(wish, source, place))


def _named(base: Path, suffix: str) -> Path:
    """``base`` with ``suffix`` behind it, whatever dots its name has."""
    return base.with_name(base.name + suffix)


def _preview(wish: Wish, source: Source, place: Place) -> tuple[str, Callable[[Path], None]]:
    from wrapper.export.companions.pictures import write_preview

    graph = preview_workflow(wish, source, place.subfolder)
    role = "preview" if wish.preview else "preview (a card)"
    return role, lambda path: write_preview(path, wish, source, graph)


def _workflows(wish: Wish, source: Source, place: Place) -> Iterator[Item]:
    from wrapper.export.companions.pictures import write_example

    for name in wish.workflows:
        graph = workflow(wish, source, name, place.subfolder)
        for folder, role, data in (
            (WORKFLOW_FOLDER, f"{name} workflow", ui_graph(graph)),
            (API_FOLDER, f"{name} workflow, API form", graph),
        ):
            yield _json_item("comfyui", place.root / folder / f"{wish.name}_{name}.json", role, data)
    if any(name != "txt2img" for name in wish.workflows):
        path = place.root / INPUT_FOLDER / example_name(wish)
        yield Item("comfyui", path, "image to inpaint", lambda path: write_example(path, wish.example))


def side_car(wish: Wish, source: Source) -> dict[str, Any]:
    """A1111's ``NAME.json`` (1.10, ``extensions-builtin/Lora``)."""
    purpose = {"txt2img": "txt2img", "inpaint": "an inpainting checkpoint"}
    made = f"Made for {' and '.join(purpose[use] for use in wish.uses)}." if wish.uses else ""
    notes = [wish.notes, made, wish.origin, size_note(source)]
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


def _lora_writer(wish: Wish, source: Source, target: TargetName) -> Callable[[Path], None]:
    from wrapper.export.lora_file.writing import write_for_diffusers, write_kohya

    return lambda path: (write_for_diffusers if target == "diffusers" else write_kohya)(path, wish, source)


def _json_item(target: TargetName, path: Path, role: str, data: Any) -> Item:
    return _text_item(target, path, role, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def _text_item(target: TargetName, path: Path, role: str, text: str) -> Item:
    return Item(target, path, role, lambda place: write_text(place, text))
