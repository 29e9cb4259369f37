"""The report of very many photographs: some are shown, all are counted, few are held."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from wrapper.project.layout import ProjectPaths
from wrapper.report.quality import MAX_SHOWN, QualityPart, quality_part


def part_of(number: int, root: Path) -> tuple[QualityPart, int]:
    """The part on so many photographs, every tenth of them warned about, and the most memory it took."""
    paths = ProjectPaths(root / str(number))
    paths.qc.mkdir(parents=True)
    with (paths.qc / "qc.jsonl").open("w", encoding="utf-8") as stream:
        for index in range(number):
            status = "OK" if index % 10 else "WARN"
            stream.write(json.dumps({"path": f"фото/{index}.jpg", "status": status}) + "\n")
    tracemalloc.start()
    try:
        return quality_part(paths, root), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_all_are_counted_and_few_are_held(tmp_path: Path):
    (_, _), (_, little), (part, much) = (part_of(number, tmp_path) for number in (50, 500, 5000))
    assert [share.count for share in part.shares] == [4500, 500, 0]
    assert (len(part.passed), part.more["OK"]) == (MAX_SHOWN, 4500 - MAX_SHOWN)
    assert much < 1.5 * little


def test_a_broken_line_is_named(tmp_path: Path):
    paths = ProjectPaths(tmp_path)
    paths.qc.mkdir()
    (paths.qc / "qc.jsonl").write_text('{"path": "1.jpg", "status": "OK"}\n{"path": \n', encoding="utf-8")
    with pytest.raises(UserError, match="line 2"):
        quality_part(paths, tmp_path)
