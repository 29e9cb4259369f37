"""Values as TOML text, and the templates that use it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from wrapper.shipped_templates import templates

if TYPE_CHECKING:
    from jinja2 import Environment

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def to_toml(value: Any) -> str:
    """``value`` as one line of TOML that tomllib and toml 0.10.2 read alike.

    Raises `UserError` for what TOML or sd-scripts' reader has no form for: None, NaN, infinity, mixed lists.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, (str, Path)):
        return _string(value.as_posix() if isinstance(value, Path) else value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(to_toml(item) for item in _alike(list(value)))}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {to_toml(item)}" for key, item in value.items()) + " }"
    raise UserError(f"{value!r} cannot be written as TOML.")


def _float(value: float) -> str:
    """``5e-05``, always with a point or an exponent; toml 0.10.2 reads no infinity and no NaN."""
    if not math.isfinite(value):
        raise UserError(f"{value} is not a number that a Kohya file can hold.", "Give a finite number.")
    return repr(value)


def _string(text: str) -> str:
    return '"' + "".join(_character(character) for character in text) + '"'


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if 0xD800 <= ord(character) <= 0xDFFF:
        raise UserError(
            f"{character!r} is not a character that UTF-8 can hold.", "Rename the file or folder."
        )
    return character if character >= " " and character != "\x7f" else f"\\u{ord(character):04X}"


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else _string(key)


def _alike(items: list[Any]) -> list[Any]:
    """toml 0.10.2 refuses lists of mixed types: whole numbers among floats become floats."""
    kinds = {type(item) for item in items}
    if kinds == {int, float}:
        return [float(item) for item in items]
    if len(kinds) > 1:
        raise UserError(f"{items!r}: a list must hold values of one type.")
    return items


def toml_templates(folder: str) -> Environment:
    """Those in ``folder`` of ``templates/``, whose values go through ``|toml``."""
    made = templates(folder)
    made.filters["toml"] = to_toml
    return made
