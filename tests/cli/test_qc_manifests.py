"""``lorawrap qc`` on each kind of manifest file: the rows are inspected, not the folder they lie in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dataset_tools.pictures.images import save_png
from tests.dataset_tools.rows import values
from wrapper.cli.main import run

ROW = values(image="a 'b'.png")
KINDS = {
    "m.json": json.dumps([ROW]),
    "m.jsonl": json.dumps(ROW),
    "m.csv": ";".join(ROW) + "\r\n" + ";".join(ROW.values()),
    "m.tsv": "\t".join(ROW) + "\n" + "\t".join(ROW.values()),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_manifest_file(tmp_path: Path, name: str):
    for picture in ("a 'b'.png", "other.png"):
        save_png(tmp_path / picture, np.zeros((16, 16, 3), np.uint8))
    (tmp_path / name).write_text(KINDS[name], encoding="utf-8")
    assert run(["qc", str(tmp_path / name), "--out", str(tmp_path / "out")]) == 0
    (line,) = (tmp_path / "out" / "qc.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["path"] == "a 'b'.png"
