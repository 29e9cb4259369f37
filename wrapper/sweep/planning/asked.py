"""Is every swept setting one that a project has, with a value that it may take? Told for all at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dataset_tools.errors import Problems, UserError, did_you_mean
from wrapper.kohya.layers import OWNED
from wrapper.kohya.options import dataset_names, known_options
from wrapper.project.layout import PROJECT_FILE
from wrapper.project.load import known_keys, lay_over, schema_problems
from wrapper.sweep.planning.grids import Axis
from wrapper.sweep.planning.lists import Row

SCRIPTS = ("train_network", "sdxl_train_network", "train_network_inpaint")
REFUSED = {
    "dataset.of": "the sweep itself says which dataset a trial uses",
    "project.name": "it is what the LoRA files are called, and changes nothing in them",
}


def check_asked(data: Mapping[str, Any], rows: Sequence[Row], axes: Sequence[Axis]) -> None:
    """Raise one `UserError` with everything that is wrong; ``data`` are the project's own tables."""
    problems = Problems()
    for place, settings in _given(rows, axes):
        _check(data, place, settings, problems)
    count = len(dict.fromkeys(problems.found))
    problems.raise_if_any("" if count == 1 else "These settings cannot be swept:")


def _given(rows: Sequence[Row], axes: Sequence[Axis]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for axis in axes:
        yield from ((axis.place, axis.settings(number)) for number in range(len(axis.values)))
    yield from ((row.place, row.settings) for row in rows)


def _check(data: Mapping[str, Any], place: str, settings: Mapping[str, Any], problems: Problems) -> None:
    changed = dict(data)
    for key, value in settings.items():
        known = _check_key(place, key, problems)
        try:
            if known:
                lay_over(changed, key.split("."), value)
        except UserError as error:
            problems.add(place, error.message.removeprefix("--set "), error.hint)
    found = schema_problems(changed, {}).found  # the project's own file is right: these are the sweep's
    problems.found += [replace(one, where=one.where.replace(PROJECT_FILE, place, 1)) for one in found]


def _check_key(place: str, key: str, problems: Problems) -> bool:
    """Whether the project file's schema is to look at it; what Kohya's names are, it does not know."""
    _, _, name = key.partition(".kohya.")
    if key in REFUSED:
        problems.add(f"{place} [{key}]", f"is not swept: {REFUSED[key]}.")
    elif "." not in key:
        problems.add(f"{place} [{key}]", "is not the whole name of a setting.", _whole_name(key))
    elif name and name in OWNED:
        problems.add(f"{place} [{key}]", f"is not set here: {OWNED[name]}.")
    elif name and name not in _kohya_names():
        hint = did_you_mean(name, _kohya_names())
        problems.add(f"{place} [{key}]", f"'{name}' is not a Kohya option.", hint)
    else:
        return True
    return False


def _whole_name(key: str) -> str:
    """``Did you mean 'stage_a.kohya.learning_rate'?`` for a key without its section."""
    if key in _kohya_names():
        return f"Did you mean 'stage_a.kohya.{key}' or 'stage_b.kohya.{key}'?"
    names = [f"{section}.{name}" for section in known_keys(()) for name in known_keys((section,))]
    same = [name for name in names if name.endswith(f".{key}")]
    return f"Did you mean '{same[0]}'?" if same else "It is SECTION.KEY, as crop.size."


def _kohya_names() -> set[str]:
    return {name for script in SCRIPTS for name in known_options(script)} | dataset_names("general")
