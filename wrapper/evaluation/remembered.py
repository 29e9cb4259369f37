"""What was measured already, by a key of all that it depends on: an interrupted evaluation goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dataset_tools.data_text import from_json
from dataset_tools.errors import UserError
from dataset_tools.files import placing, write_text
from dataset_tools.system.ground import make_folder


class Remembered:
    """Rows by key in a file of JSON lines, each written as soon as it is known. Torn lines are dropped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, dict[str, Any]] = {}
        if path.is_file():
            self._read()

    def get(self, key: str) -> dict[str, Any] | None:
        return self.rows.get(key)

    def put(self, key: str, row: dict[str, Any]) -> None:
        self.rows[key] = row
        with placing(self.path):
            make_folder(self.path.parent)
            with self.path.open("a", encoding="utf-8", newline="\n") as stream:
                stream.write(_line(key, row))

    def _read(self) -> None:
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error.strerror}).", "Remove it.") from error
        for line in lines:
            try:
                row = from_json(line)
                self.rows[row.pop("key")] = row
            except (ValueError, KeyError, AttributeError, TypeError):
                continue
        if len(self.rows) < len(lines):
            write_text(self.path, "".join(_line(key, row) for key, row in self.rows.items()))


def _line(key: str, row: dict[str, Any]) -> str:
    return json.dumps({"key": key, **row}, ensure_ascii=False) + "\n"
