"""The benchmark of grids: what is compared with what."""

from __future__ import annotations

import pytest

from benchmarks.grid import COMMAND, WITHIN, Cost, _rows


def test_each_way_is_compared_with_the_first_of_its_pair():
    costs = {
        COMMAND: [Cost(10, 8), Cost(12, 10)],
        "each": [Cost(55, 45), Cost(55, 45)],
        WITHIN: [Cost(2, 2)],
        "within, each": [Cost(4, 3)],
    }
    rows = _rows(costs, 9)
    assert [row["ratio, CPU"] for row in rows] == pytest.approx([1, 5, 1, 1.5])
    assert [row["ratio, wall"] for row in rows] == pytest.approx([1, 5, 1, 2])
    assert rows[1]["CPU s a cell"] == 5
