"""A file of settings, read as sd-scripts reads it, whose values know their line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.data_text import NotUtf8, bounded_text, from_json, from_toml
from dataset_tools.errors import UserError
from wrapper.kohya.toml_faults import fault_hint, fault_line
from wrapper.kohya.toml_places import Place, toml_places

MADE_BY = "`lorawrap render` makes it."


class Where(str):
    """``stage_a_train.toml:12 [training_arguments]``, and its parts; ``line`` 0 is unknown."""

    file: str
    line: int
    section: str

    @classmethod
    def of(cls, file: str, line: int, section: str) -> Where:
        place = f"{file}:{line}" if line else file
        made = cls(f"{place} [{section}]" if section else place)
        made.file, made.line, made.section = file, line, section
        return made


@dataclass(frozen=True)
class Located:
    """``lines`` maps (table, key) to a line number; a table is ``general`` or ``datasets[0].subsets[1]``."""

    path: Path
    data: Mapping[str, Any]
    lines: Mapping[Place, int]

    def where(self, table: str = "", key: str = "") -> Where:
        """``stage_a_train.toml:12 [training_arguments]``."""
        line = self.lines.get((table, key)) or self.lines.get((table, "")) or 0
        return Where.of(self.path.name, line, table)

    def where_key(self, key: str) -> Where:
        """Where ``key`` stands last, in whatever table; the file alone if it is in none."""
        places = [place for place in self.lines if place[1] == key]
        return self.where(*places[-1]) if places else self.where()


def with_suffix(path: Path) -> Path:
    """The training file that sd-scripts opens: it appends ``.toml`` to a name that does not end in it."""
    return path if path.name.endswith(".toml") else path.with_name(f"{path.name}.toml")


def read_located(path: Path) -> Located:
    """Read a TOML file with the library that sd-scripts reads it with.

    Raises `UserError` when it is missing, not UTF-8, or not what that library (toml 0.10.2) takes for TOML.
    """
    text = _text(path)
    return Located(path, _parse(path, text), toml_places(text))


def read_located_json(path: Path) -> Located:
    """Read a JSON file; its lines are not known. Raises `UserError` when it is missing or no JSON object."""
    try:
        data = from_json(_text(path))
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON: {error}.") from error
    if not isinstance(data, dict):
        raise UserError(f"{path}: not a JSON object.", "A dataset file is {'general': …, 'datasets': […]}.")
    return Located(path, data, {})


def _text(path: Path) -> str:
    if not path.is_file():
        raise UserError(f"{path}: there is no such file.", MADE_BY)
    try:
        return bounded_text(path)
    except NotUtf8 as error:
        raise UserError(f"{path}: {error}.", "Save it as UTF-8.") from error
    except ValueError as error:
        raise UserError(f"{path}: {error}.") from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    import toml

    try:
        return dict(toml.loads(text))
    except RecursionError:
        raise UserError(f"{path}: its lists or tables lie too deep in each other.") from None
    except (toml.TomlDecodeError, IndexError, ValueError, TypeError) as error:
        _complain(path, text)
        hint = "It is TOML, but the toml 0.10.2 that sd-scripts reads it with cannot: write it more simply."
        raise UserError(f"{path}: not valid TOML for sd-scripts: {error}.", hint) from error


def _complain(path: Path, text: str) -> None:
    """Raise `UserError` where it is no TOML at all, which tomllib says better than sd-scripts' library."""
    try:
        from_toml(text)
    except ValueError as error:
        hint = fault_hint(text, fault_line(str(error)))
        raise UserError(f"{path}: not valid TOML: {error}.", hint) from None


def unreadable(path: Path, error: UserError) -> tuple[Where, str]:
    """Where in the file ``path`` the ``error`` about it is, and what it says without that."""
    return Where.of(path.name, fault_line(error.message), ""), error.message.removeprefix(f"{path}: ")
