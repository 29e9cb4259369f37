"""The benchmark's own arithmetic, and that its two halves share no photograph."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.qc import faults
from benchmarks.qc.cases import MAKERS, cases
from benchmarks.qc.photographs import Photograph
from benchmarks.qc.run import AUCS
from benchmarks.qc.scoring import auc, decide, within
from tests.dataset_tools.spoiled import astronaut


def test_auc_counts_pairs_and_half_of_the_ties():
    assert auc([3, 4], [1, 2]) == 1
    assert auc([1, 2], [1, 2]) == 0.5
    assert auc([2, 0], [1]) == 0.5
    assert np.isnan(auc([], [1]))


def test_within_takes_the_larger_of_the_two_tolerances_and_none_is_a_miss():
    assert within([10.0, 55.0, None], [11.0, 50.0, 5.0], 1, 0.1) == pytest.approx(2 / 3)


def test_a_decision_is_scored_by_its_bad_pictures():
    found = decide([(True, True), (True, False), (False, False)], [True, False, False, False])
    assert found.f1 == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert (found.recall, found.false_rejects, found.right_reason) == (2 / 3, 0.25, 0.5)


def test_the_cases_of_a_photograph_are_the_same_every_time():
    photograph = Photograph("astronaut", "calibration", astronaut()[:260, :260])
    first, again = (
        [(case.name, case.made.kind, np.asarray(bytearray(_bytes(case.made.content))).sum()) for case in made]
        for made in (cases(photograph), cases(photograph))
    )
    assert first == again
    kinds = {kind for _, kind, _ in first}
    assert {bad for _, kinds_of_bad, _ in AUCS.values() for bad in kinds_of_bad} <= kinds | {"aspect"}
    assert len(MAKERS) > 5


def _bytes(content: np.ndarray | bytes) -> bytes:
    return content if isinstance(content, bytes) else np.ascontiguousarray(content).tobytes()


def test_a_blurred_subject_before_a_sharp_ground_and_the_other_way_round():
    rgb = astronaut()
    behind, before = (faults.behind(rgb, 4, subject_soft=soft) for soft in (False, True))
    assert np.array_equal(behind[256, 256], rgb[256, 256])
    assert np.array_equal(before[5, 5], rgb[5, 5])
    assert not np.array_equal(before, behind)
