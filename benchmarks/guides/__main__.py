"""``python -m benchmarks.guides``: the photographs of docs/DATA_PREPARATION.md, into the current folder."""

from __future__ import annotations

from pathlib import Path

from benchmarks.guides.photographs import write_folder

if __name__ == "__main__":
    write_folder(Path())
