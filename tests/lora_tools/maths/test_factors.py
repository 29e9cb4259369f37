"""A layer's change as factors: exact sums, best approximations, and modules of a file."""

from __future__ import annotations

import pytest
import torch

from tests.lora_tools.changes import SHAPES, delta, random_parts, relative
from wrapper.lora_tools.maths.factors import Factors, factors_of, is_conv, module_parts, reduced, summed
from wrapper.lora_tools.maths.ranks import RankRule

EACH_SHAPE = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


@EACH_SHAPE
@pytest.mark.parametrize("alpha", [None, 1.0, 12.0], ids="alpha {}".format)
def test_factors_make_the_change_of_the_module(shape: tuple[int, ...], alpha: float | None):
    parts = random_parts(shape, 4, alpha)
    assert relative(factors_of(parts, -0.7).delta(), -0.7 * delta(parts)) < 1e-12


@EACH_SHAPE
def test_a_sum_is_exact(shape: tuple[int, ...]):
    one, two = random_parts(shape, 4, 2.0, seed=1), random_parts(shape, 3, None, seed=2)
    found = summed([factors_of(one, 0.8), factors_of(two, -1.5)])
    assert found.rank == 7
    assert relative(found.delta(), 0.8 * delta(one) - 1.5 * delta(two)) < 1e-12


@EACH_SHAPE
def test_a_reduced_change_is_the_best_of_its_rank(shape: tuple[int, ...]):
    whole = factors_of(random_parts(shape, 6, 3.0))
    found, kept = reduced(whole, RankRule(rank=2))
    s = torch.linalg.svdvals(whole.delta().flatten(1))
    error = (whole.delta() - found.delta()).norm()
    assert found.rank == 2
    assert found.shape == shape
    assert torch.isclose(error, (s[2:] ** 2).sum().sqrt(), rtol=1e-9)
    assert kept.share == pytest.approx(float((s[:2] ** 2).sum() / (s**2).sum()))


def test_a_change_of_zero_stays_a_module():
    found, kept = reduced(Factors(torch.zeros(4, 3), torch.ones(3, 5), (4, 5)), RankRule(rank=2))
    assert (found.rank, kept.share) == (2, 1.0)
    assert float(found.delta().abs().max()) == 0


@EACH_SHAPE
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float16, 2e-3), (torch.bfloat16, 1e-2)], ids=str
)
def test_a_module_of_any_alpha_makes_the_change(shape: tuple[int, ...], dtype: torch.dtype, tolerance: float):
    change = factors_of(random_parts(shape, 4, 1.0))
    for alpha in (4.0, 1.0, 301.0):
        parts = module_parts(change, alpha, dtype)
        assert parts["lora_down.weight"].shape == (4, *shape[1:])
        assert parts["lora_up.weight"].shape == (shape[0], 4, *[1] * (len(shape) - 2))
        assert {part.dtype for part in parts.values()} == {dtype}
        assert parts["alpha"].shape == ()
        assert relative(delta(parts), change.delta()) < tolerance


def test_numbers_that_half_precision_lacks_are_spread_over_both_factors():
    """1e-7 and 1e6 are nothing and infinity in fp16, and their product is an ordinary number."""
    change = Factors(torch.full((4, 1), 1e-7).double(), torch.full((1, 4), 1e6).double(), (4, 4))
    assert relative(delta(module_parts(change, 1.0, torch.float16)), change.delta()) < 2e-3


def test_spreading_leaves_zeros_alone():
    change = Factors(torch.zeros(4, 2).double(), torch.ones(2, 4).double(), (4, 4))
    parts = module_parts(change, 2.0, torch.float16)
    assert all(bool(part.isfinite().all()) for part in parts.values())
    assert float(delta(parts).abs().max()) == 0


def test_kernels_of_one_pixel_are_not_convolutions_by_rank():
    assert [is_conv(shape) for shape in SHAPES.values()] == [False, False, False, True]
