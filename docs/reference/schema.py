"""The tables of ``lorawrap.toml`` as the schema has them: types, limits, defaults, and their words."""

from __future__ import annotations

import ast
import inspect
import json
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from docs.reference.markdown import code
from wrapper.project import schema
from wrapper.project.schema import ProjectFile, Section

_NAMES = {str: "text", bool: "true or false", int: "whole number", float: "number"}
_LIMITS = {
    "ge": "at least {}",
    "gt": "over {}",
    "le": "at most {}",
    "lt": "under {}",
    "multiple_of": "a multiple of {}",
}


@dataclass(frozen=True)
class Key:
    """One key of a table, as words."""

    name: str
    type: str
    limits: str
    default: str
    meaning: str


def sections() -> dict[str, tuple[str, list[Key]]]:
    """Each table by its name, in order: what it says of itself, and its keys."""
    words = _words()
    return {name: _section(field.annotation, words) for name, field in ProjectFile.model_fields.items()}


def _section(section: Any, words: dict[str, dict[str, str]]) -> tuple[str, list[Key]]:
    own = words[section.__name__]
    fields = section.model_fields.items()
    text = section.__doc__ if section.__doc__ != Section.__doc__ else ""
    return text or "", [_key(name, field, own.get(name, "")) for name, field in fields]


def _words() -> dict[str, dict[str, str]]:
    """Class → field → the string that stands below the field in the schema's source."""
    tree = ast.parse(inspect.getsource(schema))
    return {node.name: _documented(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _documented(node: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, after in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr):
            found[ast.unparse(field.target)] = ast.literal_eval(after.value)
    return found


def _key(name: str, field: FieldInfo, meaning: str) -> Key:
    assert meaning, f"schema.py says nothing of '{name}': put a string below it"
    default = field.get_default(call_default_factory=True)
    return Key(name, _type(field.annotation), _limits(field.metadata), _toml(default), meaning)


def _type(annotation: Any) -> str:
    """``list[int]`` → ``list: whole number``."""
    inner = get_args(annotation)
    if get_origin(annotation) is Literal:
        return ", ".join(code(json.dumps(value)) for value in inner)
    if get_origin(annotation) is list:
        return f"list: {_type(inner[0])}"
    if get_origin(annotation) is dict:
        return "table" if inner[1] is Any else f"table: {_type(inner[1])}"
    if hasattr(annotation, "__metadata__"):
        return _type(inner[0])
    return _NAMES[annotation]


def _limits(metadata: list[Any]) -> str:
    """What pydantic holds the value to, in words. A pattern is told by its refusal alone."""
    said = [(name, getattr(one, name, None)) for one in metadata for name in _LIMITS]
    return ", ".join(_LIMITS[name].format(f"{value:.10g}") for name, value in said if value is not None)


def _toml(value: Any) -> str:
    """As it would stand in the file."""
    return "{}" if value == {} else json.dumps(value, ensure_ascii=False)
