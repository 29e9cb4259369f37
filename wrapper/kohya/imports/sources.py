"""The folders of photographs that a dataset file or a ``train_data_dir`` names, with repeats and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.manifests.kohya_tree import folder_name
from wrapper.kohya.imports.foreign import Foreign
from wrapper.kohya.imports.trail import Trail
from wrapper.kohya.imports.values import number

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
NO_SUFFIX = ".caption"
"""sd-scripts' own ``caption_extension``, where nobody says another."""


@dataclass(frozen=True)
class Source:
    """One subset: ``tokens`` is the caption of an image without a caption file, ``masks`` a folder."""

    folder: Path
    repeats: int = 1
    tokens: str = ""
    is_reg: bool = False
    masks: Path | None = None
    caption_suffix: str = NO_SUFFIX

    def images(self) -> list[Path]:
        """The images that sd-scripts reads: no hidden files, no folders below."""
        files = sorted(self.folder.iterdir())
        return [path for path in files if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]


def find_sources(foreign: Foreign, train: Mapping[str, Any], trail: Trail) -> list[Source]:
    """Every folder that is there and that sd-scripts would read; the others are on the trail."""
    if foreign.dataset:
        for key in ("train_data_dir", "reg_data_dir"):
            if train.get(key):
                trail.drop(key, train[key], "sd-scripts ignores it beside a dataset file")
    named = _of_dataset(foreign, train, trail) if foreign.dataset else _of_folders(foreign, train, trail)
    seen: set[tuple[Path, bool]] = set()
    sources = []
    for source in named:
        place = (source.folder.resolve(), source.is_reg)
        if source.repeats < 1:
            trail.drop("num_repeats", source.repeats, f"sd-scripts ignores {source.folder.name}")
        elif place in seen:
            trail.drop("image_dir", source.folder, "named twice: sd-scripts ignores the second")
        elif not source.images():
            trail.drop("image_dir", source.folder, "has no images in it")
        else:
            sources.append(source)
        seen.add(place)
    return sources


def tell_unused(foreign: Foreign, train: Mapping[str, Any], trail: Trail) -> None:
    """Put on the trail every folder that is not read, because other photographs were named."""
    named = [(key, train[key]) for key in ("train_data_dir", "reg_data_dir") if train.get(key)]
    named += [("image_dir", tables[0].get("image_dir")) for tables in layers(foreign.dataset)]
    for key, folder in named:
        trail.drop(key, folder, "--photos names others")


def layers(dataset: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], ...]]:
    """For every subset of a dataset file: its own table, its dataset's, and ``[general]``."""
    general = dataset.get("general", {})
    for one in dataset.get("datasets", ()):
        for subset in one.get("subsets", ()):
            yield subset, {key: value for key, value in one.items() if key != "subsets"}, general


def _of_dataset(foreign: Foreign, train: Mapping[str, Any], trail: Trail) -> Iterator[Source]:
    for tables in layers(foreign.dataset):
        values = {key: value for table in (train, *reversed(tables)) for key, value in table.items()}
        folder = foreign.find(str(values.get("image_dir", "")))
        masks = values.get("conditioning_data_dir")
        if "metadata_file" in tables[0]:
            trail.drop("metadata_file", tables[0]["metadata_file"], "captions are read from files here")
        if not folder.is_dir() or not values.get("image_dir"):
            trail.drop("image_dir", values.get("image_dir", ""), "there is no such folder here")
            continue
        yield Source(
            folder,
            _repeats(values.get("num_repeats", 1)),
            str(values.get("class_tokens") or ""),
            values.get("is_reg") is True,
            foreign.find(str(masks)) if masks else None,
            _dotted(values.get("caption_extension")),
        )


def _of_folders(foreign: Foreign, train: Mapping[str, Any], trail: Trail) -> Iterator[Source]:
    suffix = _dotted(train.get("caption_extension"))
    for key, is_reg in (("train_data_dir", False), ("reg_data_dir", True)):
        if not train.get(key):
            continue
        parent = foreign.find(str(train[key]))
        if not parent.is_dir():
            trail.drop(key, train[key], "there is no such folder here")
            continue
        trail.put(key, train[key], "its own lines below")
        for folder in sorted(path for path in parent.iterdir() if path.is_dir()):
            repeats, tokens = folder_name(folder.name)
            if repeats > 0:
                yield Source(folder, repeats, tokens, is_reg, None, suffix)
            else:
                trail.drop(f"{key} folder", folder.name, "no repeats in its name: sd-scripts ignores it")


def _repeats(value: Any) -> int:
    return max(int(number(value) or 0), 0)


def _dotted(suffix: Any) -> str:
    text = str(suffix or NO_SUFFIX)
    return text if text.startswith(".") else f".{text}"
