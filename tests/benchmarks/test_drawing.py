"""The benchmark of drawing: what a watched process says, and the ratios."""

from __future__ import annotations

import sys

import pytest

from benchmarks.drawing import WATCHED, _row, _told

NETWORK = """
class UNet2DConditionModel(torch.nn.Module):
    def forward(self, x):
        return x
spent = sum(i * i for i in range(2_000_000))
UNet2DConditionModel()(torch.zeros(1))
spent = sum(i * i for i in range(2_000_000))
told()
"""


def test_a_watched_process_tells_when_its_first_step_began_and_its_peak(tmp_path):
    said = _told([sys.executable, "-c", WATCHED + NETWORK], tmp_path)
    assert 0 < said["first step"] < said["whole"]
    assert 50 < said["peak"] < 2000


def test_ratios_are_of_runs_that_took_turns():
    row = _row("generate", [2.0, 6.0, 3.0], [1.0, 4.0, 3.0])
    assert row["ratio"] == pytest.approx(1.5)
    assert row["from … to"] == "1.000–2.000"
