"""The benchmark of a build measures what it says: each kind of build, in a process of its own."""

from __future__ import annotations

from pathlib import Path

from benchmarks.build import STEPS, compare, draw, measure, picture


def test_every_kind_of_build_has_a_line():
    lines = list(compare(20))
    assert [line.split(maxsplit=1)[1].startswith(step) for line, step in zip(lines, STEPS, strict=True)]
    assert all("ms an image" in line and "MiB" in line for line in lines)


def test_a_changed_picture_is_built_again(tmp_path: Path):
    draw(tmp_path / "было", 12)
    assert measure(tmp_path / "было")["peak"] > 10
    dataset = tmp_path / "было" / "dataset"
    before = {path: path.stat().st_ino for path in dataset.rglob("*.png")}
    picture(tmp_path / "было" / "photos" / "000003.png", 99)
    measure(tmp_path / "было")
    after = {path: path.stat().st_ino for path in dataset.rglob("*.png")}
    changed = {path.stem for path in after if before[path] != after[path]}
    assert changed == {"000003", "masks_overview"}
