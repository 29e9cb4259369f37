"""Growth is told by the slope on axes of powers of ten; drawn photographs are others, but for the copies."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks.scale_curves import curves, table
from benchmarks.scale_manifests import write
from benchmarks.scale_measure import Figure, exponent, keep, measured, read
from benchmarks.scale_pictures import copied, draw, known_pairs, picture, scene
from dataset_tools.manifests.manifest import read_manifest
from tests.peak_memory import needs_linux


def figures(power: float, what: str = "step") -> list[Figure]:
    return [Figure(what, size, (size / 1000) ** power, 1.0, 50.0) for size in (10, 100, 1000, 10_000)]


@pytest.mark.parametrize("power", [0.0, 1.0, 1.5, 2.0])
def test_the_slope_is_the_power(power: float):
    assert exponent(figures(power)) == pytest.approx(power, abs=1e-6)


def test_curves_name_what_they_show():
    drawn = ElementTree.fromstring(curves({"qc <a&b>": figures(1), "build": figures(2)}))
    assert {"qc <a&b>", "build", "10⁴"} <= {element.text for element in drawn.iter()}
    assert table(figures(1)).splitlines()[-1].endswith("| 1.00 |")


def test_a_figure_takes_the_place_of_an_older_one(tmp_path: Path, capsys):
    file = tmp_path / "figures.json"
    for one in (*figures(1), *figures(2)):
        keep(one, file)
    assert read(file) == figures(2)


@needs_linux
def test_a_commands_cpu_time_and_memory_are_seen():
    code = "import time; held = bytearray(80 << 20); time.sleep(0.3)"
    found = measured("hold", 1, [sys.executable, "-c", code])
    assert found.peak_mib > 80
    assert 0 < found.cpu_s < 60


def test_photographs_are_all_others_but_for_known_copies():
    assert [copied(index) for index in (0, 98, 99, 199)] == [None, None, 62, 162]
    assert list(known_pairs(200)) == [
        ("000/000099.jpg", "000/000062.jpg"),
        ("000/000199.jpg", "000/000162.jpg"),
    ]
    assert np.array_equal(scene(5), picture(5))
    assert np.corrcoef(scene(5).ravel(), scene(6).ravel())[0, 1] < 0.5
    assert np.array_equal(picture(99), scene(62)[:, ::-1])


def test_manifests_of_every_form_have_the_same_rows(tmp_path: Path):
    rows = [list(read_manifest(path).rows) for path in write(tmp_path / "один", 12)]
    assert rows[0] == rows[1] == rows[2] == list(read_manifest(draw(tmp_path / "set", 12)).rows)
