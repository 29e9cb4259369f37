"""Differences of changes without making them: right, and never small for numbers that are none."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from wrapper.lora.deltas import delta_error, delta_product


def parts(seed: int, alpha: float = 2.0, rank: int = 3) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "lora_down.weight": torch.randn(rank, 4, 3, 3, generator=generator),
        "lora_up.weight": torch.randn(6, rank, 1, 1, generator=generator),
        "alpha": torch.tensor(alpha),
    }


def change(made: dict[str, Any]) -> torch.Tensor:
    up, down = (made[f"lora_{part}.weight"].double().flatten(1) for part in ("up", "down"))
    return float(made["alpha"]) / down.shape[0] * up @ down


def test_errors_and_products_are_those_of_the_changes_themselves():
    one, other = parts(0), parts(1, alpha=0.5, rank=5)
    first, second = change(one), change(other)
    assert delta_product(one, other) == pytest.approx(float((first * second).sum()))
    assert delta_error(one, other) == pytest.approx(float((first - second).norm() / first.norm()))
    assert delta_error(one, one) == pytest.approx(0, abs=1e-7)


def test_nothing_and_something():
    idle = {**parts(0), "alpha": torch.tensor(0.0)}
    assert delta_error(idle, idle) == 0
    assert delta_error(idle, parts(0)) == math.inf
    assert delta_error(parts(0), idle) == pytest.approx(1)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("swapped", [False, True])
def test_what_is_not_finite_is_never_near(value: float, swapped: bool):
    broken = parts(0)
    broken["lora_up.weight"][0, 0] = value
    pair = (broken, parts(0)) if swapped else (parts(0), broken)
    assert delta_error(*pair) == math.inf
