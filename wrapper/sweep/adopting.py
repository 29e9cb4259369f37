"""A trial's settings put into the project's own file; what the file was stays beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.data_text import bounded_bytes, bounded_text, from_toml
from dataset_tools.errors import UserError
from dataset_tools.files import whole_file
from wrapper.project.load import leaves, parse_toml, validate
from wrapper.project.settings_text import with_values
from wrapper.sweep.outcome.shown import settings_toml
from wrapper.sweep.trials import Sweep, Trial


@dataclass(frozen=True)
class Adoption:
    """What would be written: ``text`` into ``file``. ``before``: what the keys of ``after`` were."""

    file: Path
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    text: str


def plan_adoption(file: Path, sweep: Sweep, trial: Trial) -> Adoption:
    """The project file ``file`` with the settings of ``trial`` that it has not already.

    Raises `UserError` where the file is written so that its text cannot be changed in single lines.
    """
    written = dict(leaves(parse_toml(file)))
    after = {key: value for key, value in sweep.settings_of(trial).items() if written.get(key) != value}
    text = bounded_text(file, "utf-8-sig")
    try:
        new = with_values(text, after) if after else text
        validate(from_toml(new), {})
    except ValueError as error:
        lines = settings_toml(after).strip()
        raise UserError(f"{file}: {error}.", f"Put these lines into it by hand:\n{lines}") from None
    return Adoption(file, {key: written.get(key) for key in after}, after, new)


def adopt(adoption: Adoption, name: str) -> Path:
    """Write it; return where the file as it was is kept, for the sweep ``name``."""
    before = bounded_bytes(adoption.file)
    kept = _free(adoption.file, name)
    _write(kept, before)
    ends = b"\r\n" if b"\r\n" in before else b"\n"
    _write(adoption.file.resolve(), adoption.text.encode().replace(b"\n", ends))
    return kept


def _free(file: Path, name: str) -> Path:
    """``lorawrap.before-rates.toml``, with a number where that is taken."""
    number = 1
    while (
        path := file.with_name(f"{file.stem}.before-{name}{f'-{number}' if number > 1 else ''}.toml")
    ).exists():
        number += 1
    return path


def _write(path: Path, data: bytes) -> None:
    with whole_file(path) as temporary:
        temporary.write_bytes(data)
