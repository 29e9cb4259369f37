"""Which files under a final name cannot be read to their end."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def broken(folder: Path, unfinished: Sequence[str]) -> list[str]:
    """Of all files below ``folder``, those that are not whole.

    Passed over are the photographs as they were given, and what says by its name that it is unfinished.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and "photos" not in path.parts]
    names = [(path, path.relative_to(folder).as_posix()) for path in paths]
    return [
        f"{name}: {why}"
        for path, name in names
        if not any(part in name for part in unfinished) and (why := _fault(path))
    ]


def _fault(path: Path) -> str:
    read = _READERS.get(path.suffix)
    try:
        if read is not None:
            read(path)
    except Exception as error:
        return repr(error)
    return ""


def _json(path: Path) -> None:
    json.loads(path.read_text(encoding="utf-8"))


def _picture(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as picture:
        picture.load()


def _safetensors(path: Path) -> None:
    from safetensors import safe_open

    with safe_open(path, "pt") as stream:
        for name in list(stream.keys()):  # it is no mapping
            stream.get_tensor(name)


def _lines(path: Path) -> None:
    """Only a log that is being written may end within a line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for line in lines[:-1] if path.name == "events.jsonl" else lines:
        json.loads(line)


_READERS = {
    ".json": _json,
    ".jsonl": _lines,
    ".png": _picture,
    ".jpg": _picture,
    ".safetensors": _safetensors,
    ".toml": lambda path: tomllib.loads(path.read_text(encoding="utf-8")),
    ".csv": lambda path: list(csv.reader(path.read_text(encoding="utf-8").splitlines())),
    ".html": lambda path: path.read_text(encoding="utf-8").index("</html>"),
    ".svg": lambda path: path.read_text(encoding="utf-8").index("</svg>"),
}
