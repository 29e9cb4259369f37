"""JSON and JSON lines as raw rows with their place in the file, one row at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataset_tools.errors import Problems, UserError, did_you_mean
from dataset_tools.manifests.json_stream import BadJson, JsonStream, RepeatedKey, parse
from dataset_tools.manifests.manifest_text import chunks, lines

TOP_KEY = "images"


def json_rows(path: Path, problems: Problems) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """``(where, values)`` of each row of a ``.json`` file: a list, or ``{"images": […]}``."""
    stream = JsonStream(chunks(path))
    try:
        for number, values in enumerate(_listed(path, stream, problems), 1):
            yield from _row(f"{path.name} row {number}", values, problems)
        stream.end()
    except BadJson as error:
        problems.add(f"{path.name} line {error.line}", f"not JSON: {error}")


def json_line_rows(path: Path, problems: Problems) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """``(where, values)`` of each line of a ``.jsonl`` file; empty lines count and are left out."""
    for number, line in lines(path):
        if not line.strip():
            continue
        where = f"{path.name} line {number}"
        try:
            values = parse(line)
        except BadJson as error:
            problems.add(where, f"not JSON: {error}")
            continue
        yield from _row(where, values, problems)


def _listed(path: Path, stream: JsonStream, problems: Problems) -> Iterator[Any]:
    """The elements of the file's one list."""
    if stream.peek() == "[":
        yield from stream.elements()
        return
    keys: list[str] = []
    if stream.peek() == "{":
        for key in stream.members():
            if key in keys:
                problems.add(path, f"'{key}' is there twice.")
            keys.append(key)
            if key == TOP_KEY and stream.peek() == "[":
                yield from stream.elements()
                continue
            stream.value()
            if key == TOP_KEY:
                raise _no_list(path, "")
            problems.add(path, f"unknown key '{key}' beside '{TOP_KEY}'.", did_you_mean(key, [TOP_KEY]))
    else:
        stream.value()
    if TOP_KEY not in keys:
        raise _no_list(path, next(filter(None, (did_you_mean(key, [TOP_KEY]) for key in keys)), ""))


def _no_list(path: Path, hint: str) -> UserError:
    return UserError(f'{path}: neither a list of rows nor {{"{TOP_KEY}": [rows]}}', hint)


def _row(where: str, values: Any, problems: Problems) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(values, RepeatedKey):
        problems.add(where, f"not JSON: '{values.key}' is there twice")
    elif isinstance(values, dict):
        yield where, values
    else:
        problems.add(where, f"a row is an object, not {json.dumps(values, ensure_ascii=False)[:40]}")
