"""Text is UTF-8 with ``\\n`` on every system: no file is opened, no child read, as the system would."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [
    path for top in ("wrapper", "dataset_tools", "vendor") for path in sorted((ROOT / top).rglob("*.py"))
]
OTHERS_OPEN = {"Image", "zipfile", "tarfile", "webbrowser", "wave", "safetensors", "archive", "os", "opener"}
"""What is called ``open`` there opens no text."""


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    """Every call in a file, with the last part of what is called."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            yield node, node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id


def keywords(call: ast.Call) -> set[str | None]:
    return {keyword.arg for keyword in call.keywords}


def mode_of(call: ast.Call) -> str:
    """Of ``open(path, mode)`` and ``path.open(mode)``; empty when it is not text."""
    place = 0 if isinstance(call.func, ast.Attribute) else 1
    given = [keyword.value for keyword in call.keywords if keyword.arg == "mode"] or call.args[
        place : place + 1
    ]
    mode = getattr(given[0], "value", "b") if given else "r"
    return mode if isinstance(mode, str) and "b" not in mode else ""


def opens_text(call: ast.Call, name: str) -> bool:
    if name != "open":
        return False
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return not (isinstance(owner, ast.Name) and owner.id in OTHERS_OPEN) and bool(mode_of(call))


def faults(path: Path) -> Iterator[str]:
    for call, name in calls(path):
        given, where = keywords(call), f"{path.relative_to(ROOT)}:{call.lineno}"
        text = opens_text(call, name)
        if name == "read_text" and not (given & {"encoding"} or call.args):
            yield f"{where}: reads in the system's encoding"
        if (text or name == "write_text") and "encoding" not in given and not _is_ours(call):
            yield f"{where}: opens in the system's encoding"
        if text and set(mode_of(call)) & set("wax+") and "newline" not in given:
            yield f"{where}: writes the system's line ends"
        if name == "write_text" and "newline" not in given and not _is_ours(call):
            yield f"{where}: writes the system's line ends"
        if name in ("run", "Popen", "check_output") and "text" in given and "encoding" not in given:
            yield f"{where}: reads a child in the system's encoding"


def _is_ours(call: ast.Call) -> bool:
    """``write_text(path, text)`` of `dataset_tools.files`."""
    return isinstance(call.func, ast.Name)


@pytest.mark.parametrize("top", ["wrapper", "dataset_tools", "vendor"])
def test_every_text_file_is_opened_as_utf8(top: str):
    assert [fault for path in FILES if path.is_relative_to(ROOT / top) for fault in faults(path)] == []
