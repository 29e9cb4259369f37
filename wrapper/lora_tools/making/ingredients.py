"""What a result was made of, and how its metadata say so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wrapper.lora.apply import LoraUse
from wrapper.lora.hashes import autov3
from wrapper.safetensors_header import read_header

MERGED = "lorawrap_merged"
"""The recipe as JSON: a list of ``{"name", "weight", "te_weight", "hash"}``, the hash being AutoV3."""
_TITLES = ("modelspec.title", "ss_output_name")
_OF_THE_BASE_ALONE = ("modelspec.date", "modelspec.thumbnail", "modelspec.hash_sha256")


@dataclass(frozen=True)
class Ingredient:
    """A LoRA that went into a result: ``name`` is its file's, ``title`` what its metadata call it."""

    name: str
    title: str
    weight: float
    te_weight: float
    digest: str

    def recipe(self) -> dict[str, object]:
        return {"name": self.name, "weight": self.weight, "te_weight": self.te_weight, "hash": self.digest}


def ingredient(use: LoraUse) -> Ingredient:
    """The ingredient that ``use`` is; its file is read for the hash."""
    title = title_of(use.path, read_header(use.path).metadata)
    return Ingredient(use.path.stem, title, use.weight, use.weight_of("te"), autov3(use.path))


def title_of(path: Path, metadata: Mapping[str, str]) -> str:
    """The model's own title, else its file's name."""
    return next((metadata[key] for key in _TITLES if metadata.get(key)), path.stem)


def merged_from(titles: Iterable[str], ingredients: Sequence[Ingredient]) -> dict[str, str]:
    """``modelspec.merged_from`` as sd-scripts writes it, and the whole recipe."""
    told = [*titles, *(one.title for one in ingredients)]
    recipe = [one.recipe() for one in ingredients]
    return {"modelspec.merged_from": ", ".join(told), MERGED: json.dumps(recipe, ensure_ascii=False)}


def merged_base_metadata(
    metadata: Mapping[str, str], base: Path, name: str, ingredients: Sequence[Ingredient]
) -> dict[str, str]:
    """The metadata of a base with LoRAs in it, called ``name``: its own, but for what is no longer so."""
    kept = {key: value for key, value in metadata.items() if key not in _OF_THE_BASE_ALONE}
    kept = {key: value for key, value in kept.items() if not key.startswith("sshs_")}
    return {
        **kept,
        "modelspec.title": name,
        **merged_from([title_of(base, metadata)], ingredients),
    }
