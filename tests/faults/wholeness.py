"""Can every file under a final name be read to its end?"""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SPOILED = "demo/photos/truncated.png"
"""One of the demo's photographs is cut on purpose."""
JOURNALS = {"log.txt", "events.jsonl", "evaluation.jsonl"}
"""Files that are begun empty and only added to."""
LINES = {".csv", ".jsonl", ".md", ".svg", ".toml", ".txt"}
"""What any beginning of such a file can be read as, also none."""
LEFTOVER = re.compile(r"\.(part|old)-.+")


def torn(root: Path) -> list[str]:
    """The files below ``root``, leftovers aside, that cannot be read, with the reason."""
    found = []
    for path in _final(root):
        try:
            _not_empty(path)
            READERS.get(path.suffix, Path.read_bytes)(path)
        except Exception as error:  # whatever a reader raises, the file is not whole
            found.append(f"{path.relative_to(root)}: {type(error).__name__}: {error}")
    return found


def leftovers(root: Path) -> list[str]:
    """The files and folders below ``root`` with a name that says that they were not finished."""
    named = (path for path in root.rglob(".*") if LEFTOVER.fullmatch(path.name))
    return sorted(path.relative_to(root).as_posix() for path in named)


def _final(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts
        unfinished = any(LEFTOVER.fullmatch(part) for part in inside)
        if path.is_file() and not unfinished and "locks" not in inside and "/".join(inside) != SPOILED:
            yield path


def _not_empty(path: Path) -> None:
    if path.suffix in LINES and path.name not in JOURNALS and not path.stat().st_size:
        raise ValueError("empty")


def _json(path: Path) -> object:
    return json.loads(path.read_bytes())


def _json_lines(path: Path) -> object:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _toml(path: Path) -> object:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _picture(path: Path) -> object:
    from PIL import Image

    with warnings.catch_warnings(), Image.open(path) as picture:
        return picture.load()


def _tensors(path: Path) -> object:
    from safetensors.numpy import load_file

    return load_file(path)


def _zip(path: Path) -> object:
    with zipfile.ZipFile(path) as archive:
        bad = archive.testzip()
    if bad:
        raise ValueError(bad)
    return archive


def _rows(path: Path) -> object:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lengths = {len(row) for row in csv.reader(stream)}
    if len(lengths) > 1:
        raise ValueError(f"rows of {lengths} cells")
    return lengths


def _page(path: Path) -> object:
    if not path.read_text(encoding="utf-8").rstrip().endswith("</html>"):
        raise ValueError("no end")
    return path


def _database(path: Path) -> object:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise ValueError("damaged")
    return path


READERS: dict[str, Callable[[Path], object]] = {
    ".json": _json,
    ".jsonl": _json_lines,
    ".toml": _toml,
    ".png": _picture,
    ".jpg": _picture,
    ".webp": _picture,
    ".safetensors": _tensors,
    ".pt": _zip,
    ".npz": _zip,
    ".csv": _rows,
    ".html": _page,
    ".sqlite": _database,
}
