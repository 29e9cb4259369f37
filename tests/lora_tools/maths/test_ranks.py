"""How many singular values each rule keeps."""

from __future__ import annotations

import pytest
import torch

from wrapper.lora_tools.maths.ranks import RankRule

S = torch.tensor([4.0, 2.0, 2.0, 1.0])
"""σ² = 16, 4, 4, 1 of 25; σ = 4, 2, 2, 1 of 9."""


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        (RankRule(), 4),
        (RankRule(rank=2), 2),
        (RankRule(rank=9), 4),
        (RankRule(measure="energy", target=0.64), 1),
        (RankRule(measure="energy", target=0.65), 2),
        (RankRule(measure="energy", target=0.96), 3),
        (RankRule(measure="energy", target=1.0), 4),
        (RankRule(measure="sv_fro", target=0.8), 1),
        (RankRule(measure="sv_fro", target=0.81), 2),
        (RankRule(measure="sv_cumulative", target=6 / 9), 2),
        (RankRule(measure="sv_cumulative", target=0.7), 3),
        (RankRule(measure="sv_ratio", target=2.0), 1),
        (RankRule(measure="sv_ratio", target=2.1), 3),
        (RankRule(rank=2, measure="energy", target=1.0), 2),
    ],
    ids=repr,
)
def test_a_rule_keeps_the_least_that_is_enough(rule: RankRule, count: int):
    assert rule.count(S) == count


def test_convolutions_have_a_rank_of_their_own():
    rule = RankRule(rank=3, conv_rank=1)
    assert (rule.count(S), rule.count(S, conv=True)) == (3, 1)
    assert RankRule(rank=3).count(S, conv=True) == 3


def test_energy_of_what_was_not_computed_counts():
    assert RankRule(measure="energy", target=0.5).count(S, energy=25.0) == 1
    assert RankRule(measure="energy", target=0.5).count(S, energy=45.0) == 3


def test_a_layer_of_zeros_keeps_one():
    assert all(
        RankRule(measure=measure, target=0.9).count(torch.zeros(3)) == 1
        for measure in ("energy", "sv_fro", "sv_cumulative", "sv_ratio")
    )
