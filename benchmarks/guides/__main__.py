"""``python -m benchmarks.guides``: the photographs of the guides, into the current folder.

docs/DATA_PREPARATION.md works on ``photos``, ``painted`` and ``photos.jsonl``, docs/SDXL_FACE.md on ``mira``.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.guides.face import write_face
from benchmarks.guides.photographs import write_folder

if __name__ == "__main__":
    write_folder(Path())
    write_face(Path())
