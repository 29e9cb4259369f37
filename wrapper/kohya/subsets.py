"""The subsets that a training reads, with their effective values, and what lies in their folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dataset_tools.pictures.buckets import Buckets, Size
from wrapper.kohya.dataset_tables import Flavour, Table, tables
from wrapper.kohya.located import Located, Where
from wrapper.kohya.options import (
    AS_TEXT,
    RENAMED,
    dataset_names,
    general_fault,
    upstream_dataset_fault,
)
from wrapper.trainer.option import parse_size

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
"""What sd-scripts reads, all in lower or all in upper case."""
OTHER_SUFFIXES = (".gif", ".tif", ".tiff", ".heic", ".avif", ".jxl", ".jfif")
_DEFAULTS: dict[str, Any] = {
    "num_repeats": 1,
    "caption_extension": ".caption",
    "batch_size": 1,
    "min_bucket_reso": 256,
    "max_bucket_reso": 1024,
    "bucket_reso_steps": 64,
}
_OWN_FLAVOUR = {"conditioning_data_dir": "masks", "metadata_file": "metadata"}
_MISSPELT = "caption_extention"
"""sd-scripts' own older spelling in the training file, which beats the right one."""


@dataclass(frozen=True)
class SubsetView:
    """``layers`` are the subset's own table, its dataset's, ``[general]`` and the training file's values.

    ``origin`` is the training file's key that names the folder, where there is no dataset file: ``place`` is
    then empty. Images and captions of the flavour ``metadata`` are listed in its ``metadata_file``.
    """

    file: Located
    place: str
    dataset: int
    layers: tuple[Mapping[str, Any], ...]
    flavour: Flavour = "plain"
    origin: str = ""

    def get(self, key: str) -> Any:
        """The value that counts: the innermost table that has one, else sd-scripts' default."""
        for layer in self.layers[:-1]:
            if layer.get(key) is not None:
                return layer[key]
        written = next(
            (value for name in _names(key) if (value := self.layers[-1].get(name)) is not None), None
        )
        return _DEFAULTS.get(key) if written is None else written

    def where(self, key: str = "") -> Where:
        """Where ``key`` stands, in the innermost table that has it."""
        if self.origin:
            return self.file.where_key(key if key in self.layers[-1] else self.origin)
        for place, layer in zip(self._places, self.layers, strict=False):
            if key in layer:
                return self.file.where(place, key)
        return self.file.where(self.place)

    @property
    def _places(self) -> tuple[str, str, str]:
        return self.place, f"datasets[{self.dataset}]", "general"

    @property
    def folder(self) -> Path:
        return Path(str(self.get("image_dir")))

    @property
    def mask_folder(self) -> Path | None:
        named = self.get("conditioning_data_dir") if self.flavour != "metadata" else None
        return Path(str(named)) if named and not self.origin else None

    @property
    def is_reg(self) -> bool:
        return self.get("is_reg") is True

    @property
    def repeats(self) -> int:
        return _count(self.get("num_repeats"), 0)

    @property
    def caption_suffix(self) -> str:
        suffix = str(self.get("caption_extension"))
        return suffix if suffix.startswith(".") else f".{suffix}"

    @property
    def resolution(self) -> Size | None:
        return parse_size(self.get("resolution"))

    @property
    def batch_size(self) -> int:
        return max(_count(self.get("batch_size"), 1), 1)

    @cached_property
    def images(self) -> list[Path]:
        return list_images(self.folder)

    def buckets(self) -> Buckets | None:
        """None where there is no resolution, or the numbers make no buckets."""
        if self.resolution is None:
            return None
        step = _count(self.get("bucket_reso_steps"), 64)
        if step < 1:
            return None
        return Buckets(
            self.resolution,
            self.get("enable_bucket") is True,
            _count(self.get("min_bucket_reso"), 256),
            _count(self.get("max_bucket_reso"), 1024),
            step,
            self.get("bucket_no_upscale") is True,
        )


def subset_views(file: Located, train_values: Mapping[str, Any]) -> list[SubsetView]:
    """Every subset of the dataset file ``file``, in order; values of a wrong type are left out."""
    views: list[SubsetView] = []
    general, dataset, number = {}, {}, -1
    outer = typed(train_values)
    for table in tables(file):
        values = _allowed(table)
        if table.kind == "general":
            general = values
        elif table.kind == "datasets":
            dataset, number = values, number + 1
        else:
            views.append(
                SubsetView(file, table.place, number, (values, dataset, general, outer), table.flavour)
            )
    return views


def typed(train_values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a training file without those of a wrong type, of keys that datasets have as well."""
    return {
        key: value for key, value in train_values.items() if key in AS_TEXT or not general_fault(key, value)
    }


def _allowed(table: Table) -> dict[str, Any]:
    """What the schema allows, by type; keys that stand in a wrong table too, as they say what is meant."""
    return {
        key: value
        for key, value in table.values.items()
        if key not in dataset_names(table.kind)
        or not upstream_dataset_fault(table.kind, key, value, table.flavour)
        or not upstream_dataset_fault(table.kind, key, value, _OWN_FLAVOUR.get(key, "plain"))
    }


def list_images(folder: Path) -> list[Path]:
    """The images that sd-scripts finds in ``folder``, sorted: no hidden files, no folders below."""
    if not folder.is_dir():
        return []
    suffixes = {*IMAGE_SUFFIXES, *(suffix.upper() for suffix in IMAGE_SUFFIXES)}
    return sorted(path for path in folder.iterdir() if path.suffix in suffixes and path.name[0] != ".")


def _names(key: str) -> tuple[str, ...]:
    """What ``key`` is called in the training file, the name that wins first."""
    return (_MISSPELT, key) if key == "caption_extension" else (RENAMED.get(key, key),)


def _count(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise
