"""Values → the text of the two TOML files, read back before they are used."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataset_tools.errors import UserError
from wrapper.kohya.layers import Value
from wrapper.places import shipped
from wrapper.toml_text import toml_templates

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SEAL = "# as rendered: "


@dataclass(frozen=True)
class Entry:
    """One line of a file."""

    key: str
    value: Any
    origin: str = ""


@dataclass(frozen=True)
class Table:
    """A section, or a subset under its ``title``."""

    title: str
    entries: Sequence[Entry]

    @property
    def values(self) -> dict[str, Any]:
        return {entry.key: entry.value for entry in self.entries}


def train_page(title: str, stage: str, values: Mapping[str, Value]) -> str:
    """The file for ``--config_file``: the sections of ``sections.toml``, in its order."""
    text = _render("train.toml.j2", title=title, stage=stage, sections=_sections(values))
    prove(text, {key: value.value for key, value in values.items()})
    return seal(text)


def dataset_page(
    title: str,
    stage: str,
    general: Mapping[str, Value],
    dataset: Mapping[str, Value],
    subsets: Sequence[Table],
) -> str:
    """The file for ``--dataset_config``: one ``[[datasets]]`` with all the subsets."""
    text = _render(
        "dataset.toml.j2",
        title=title,
        stage=stage,
        general=_entries(general),
        dataset=_entries(dataset),
        subsets=subsets,
    )
    wanted = {key: value.value for key, value in {**general, **dataset}.items()}
    prove(text, {**wanted, "subsets": [subset.values for subset in subsets]})
    return seal(text)


def prove(text: str, wanted: Mapping[str, Any]) -> None:
    """Read ``text`` back as we do and, where it is installed, as sd-scripts does (toml 0.10.2).

    Raises `UserError` for a value that a reader takes for another: toml 0.10.2 has such faults.
    """
    readers = {"TOML": tomllib.loads}
    if importlib.util.find_spec("toml"):
        import toml

        readers["sd-scripts' TOML reader (toml 0.10.2)"] = toml.loads
    for reader, loads in readers.items():
        try:
            read = flatten(loads(text))
        except (ValueError, IndexError) as error:
            raise UserError(f"{reader} cannot read the rendered file: {error}.") from None
        for key, value in wanted.items():
            if read.get(key) != value:
                raise UserError(
                    f"'{key}': {reader} reads {read.get(key)!r} instead of {value!r}.",
                    "Use a value without such signs.",
                )


def flatten(data: Mapping[str, Any]) -> dict[str, Any]:
    """Sections flattened by one level, and of ``[[datasets]]`` the first, as sd-scripts reads them."""
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            flat |= value
        elif key == "datasets" and value and isinstance(value[0], dict):
            flat |= value[0]
        else:
            flat[key] = value
    return flat


def seal(text: str) -> str:
    """Add a last line that tells whether the file was changed since."""
    return f"{text}\n{SEAL}{_digest(text)}\n"


def is_sealed(text: str) -> bool:
    """Whether ``text`` is exactly as `seal` left it."""
    body, found, digest = text.rpartition(f"\n{SEAL}")
    return bool(found) and digest.strip() == _digest(body)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _render(template: str, **values: Any) -> str:
    return toml_templates("kohya").get_template(template).render(values)


def _sections(values: Mapping[str, Value]) -> list[Table]:
    order = tomllib.loads((shipped("templates") / "kohya" / "sections.toml").read_text(encoding="utf-8"))
    listed = {key for keys in order.values() for key in keys}
    order["training_arguments"] = [key for key in values if key not in listed]
    tables = [
        Table(name, _entries({key: values[key] for key in keys if key in values}))
        for name, keys in order.items()
    ]
    return [table for table in tables if table.entries]


def _entries(values: Mapping[str, Value]) -> list[Entry]:
    return [Entry(key, value.value, value.origin) for key, value in values.items()]
