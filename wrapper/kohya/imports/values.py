"""A value as some program wrote it → the value that sd-scripts' option takes."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from wrapper.trainer.option import Option

_WORDS = {"true": True, "false": False, "1": True, "0": False}


def convert(option: Option, value: Any) -> tuple[Any, str]:
    """(value, what was changed about it); raises ValueError for what cannot be meant.

    ``"1e-4"`` → 0.0001, ``1.0`` → 1 for a whole number, ``"a=1 b=2"`` → a list, ``"false"`` → false, which
    sd-scripts would take for true.
    """
    if not option.fault(value):
        return value, ""
    made = _BY_TYPE[option.type](value) if option.type in _BY_TYPE else value
    if fault := option.fault(made):
        raise ValueError(fault)
    return made, f"was {value!r}" if isinstance(value, str) else ""


def split_words(text: str) -> list[str]:
    """``'weight_decay=0.1 "betas=0.9, 0.99"'`` → a list of two."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.replace('"', "").split()


def number(value: Any) -> float | None:
    """``value`` as a number, or None: kohya_ss writes many of them as strings, and nothing as ``""``."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _bool(value: Any) -> Any:
    return _WORDS.get(str(value).strip().lower(), value)


def _int(value: Any) -> Any:
    found = number(value)
    return int(found) if found is not None and found.is_integer() and not isinstance(value, bool) else value


def _float(value: Any) -> Any:
    found = number(value)
    return value if found is None or isinstance(value, bool) else found


def _floats(value: Any) -> Any:
    items = value if isinstance(value, list) else str(value).split()
    return [_float(item) for item in items] if len(items) != 1 else _float(items[0])


def _strs(value: Any) -> Any:
    return split_words(value) if isinstance(value, str) else value


def _str(value: Any) -> Any:
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return value if isinstance(value, bool) else str(value)


_BY_TYPE: dict[str, Callable[[Any], Any]] = {
    "bool": _bool,
    "int": _int,
    "float": _float,
    "floats": _floats,
    "strs": _strs,
    "str": _str,
}
