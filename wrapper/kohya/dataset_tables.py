"""The tables of a dataset file, each with the schema that sd-scripts holds it against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from wrapper.kohya.located import Located

Kind = Literal["general", "datasets", "subsets"]
Flavour = Literal["plain", "masks", "metadata", "mixed"]
"""By what its subsets name: ``conditioning_data_dir``, ``metadata_file``, neither, or not all the same."""


@dataclass(frozen=True)
class Table:
    """One table, where it stands, and the flavour of the dataset that it belongs to."""

    kind: Kind
    place: str
    values: dict[str, Any]
    flavour: Flavour = "plain"


def tables(file: Located) -> Iterator[Table]:
    """``[general]``, then each dataset followed by its subsets; what is no table is left out."""
    general = file.data.get("general", {})
    if isinstance(general, dict):
        yield Table("general", "general", general)
    for number, dataset in enumerate(only_tables(file.data.get("datasets"))):
        subsets = only_tables(dataset.get("subsets"))
        place, flavour = f"datasets[{number}]", flavour_of(subsets)
        yield Table("datasets", place, dataset, flavour)
        for inner, subset in enumerate(subsets):
            yield Table("subsets", f"{place}.subsets[{inner}]", subset, flavour)


def flavour_of(subsets: list[dict[str, Any]]) -> Flavour:
    """Masks come first, as in ``ConfigSanitizer`` (library/config_util.py)."""
    if subsets and all("conditioning_data_dir" in subset for subset in subsets):
        return "masks"
    metadata = ["metadata_file" in subset for subset in subsets]
    if not any(metadata):
        return "plain"
    return "metadata" if all(metadata) else "mixed"


def only_tables(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
