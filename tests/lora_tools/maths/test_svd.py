"""Singular values against LAPACK's full decomposition and against Eckart and Young."""

from __future__ import annotations

import pytest
import torch

from wrapper.lora_tools.maths import svd
from wrapper.lora_tools.maths.svd import Svd, largest, svd_of_product

CASES = {"tall": (40, 24, 6), "wide": (20, 50, 7), "rank over sides": (12, 9, 30), "one": (5, 1, 1)}


def orthonormal(found: Svd) -> bool:
    eye = torch.eye(len(found.s), dtype=found.u.dtype)
    return torch.allclose(found.u.T @ found.u, eye, atol=1e-4) and torch.allclose(
        found.vh @ found.vh.T, eye, atol=1e-4
    )


def spectrum(m: int, n: int, s: torch.Tensor, seed: int = 1) -> torch.Tensor:
    """A matrix (m, n) with these singular values, float64."""
    generator = torch.Generator().manual_seed(seed)
    u = torch.linalg.qr(torch.randn(m, len(s), generator=generator, dtype=torch.float64))[0]
    v = torch.linalg.qr(torch.randn(n, len(s), generator=generator, dtype=torch.float64))[0]
    return (u * s) @ v.T


@pytest.mark.parametrize(("m", "n", "rank"), CASES.values(), ids=CASES)
def test_the_svd_of_a_product_is_that_of_the_matrix(m: int, n: int, rank: int):
    generator = torch.Generator().manual_seed(5)
    up, down = torch.randn(m, rank, generator=generator), torch.randn(rank, n, generator=generator)
    found = svd_of_product(up, down)
    wanted = torch.linalg.svdvals(up.double() @ down.double())[: len(found.s)]
    assert torch.allclose(found.s, wanted, rtol=1e-10, atol=1e-10 * float(wanted[0]))
    assert torch.allclose((found.u * found.s) @ found.vh, up.double() @ down.double(), atol=1e-10)
    assert orthonormal(found)


def test_a_product_cut_off_misses_what_eckart_and_young_say():
    up, down = torch.randn(30, 12), torch.randn(12, 20)
    found = svd_of_product(up, down)
    cut = (found.u[:, :5] * found.s[:5]) @ found.vh[:5]
    error = torch.linalg.norm(up.double() @ down.double() - cut)
    assert torch.isclose(error, (found.s[5:] ** 2).sum().sqrt(), rtol=1e-9)


def test_small_matrices_are_decomposed_in_full():
    matrix = torch.randn(20, 30)
    found = largest(matrix, 4)
    assert torch.allclose(found.s, torch.linalg.svdvals(matrix)[:4], rtol=1e-5)
    assert orthonormal(found)


SPECTRA = {
    "falling": 0.9 ** torch.arange(200, dtype=torch.float64),
    "like a power": 1 / torch.arange(1, 201, dtype=torch.float64),
    "low rank over noise": torch.cat([torch.full((8,), 10.0), torch.full((192,), 1.0)]).double(),
    "flat": torch.linspace(1.1, 1.0, 200, dtype=torch.float64),
}


@pytest.mark.parametrize("s", SPECTRA.values(), ids=SPECTRA)
def test_the_randomised_error_is_within_two_percent_of_the_best(s: torch.Tensor):
    matrix = spectrum(300, 240, s)
    found = largest(matrix, 16)
    error = torch.linalg.norm(matrix - ((found.u * found.s) @ found.vh).double())
    assert orthonormal(found)
    assert error <= 1.02 * (s[16:] ** 2).sum().sqrt()
    assert torch.allclose(found.s.double(), s[:16], rtol=0.04)


def test_the_randomised_path_was_the_one_taken(monkeypatch: pytest.MonkeyPatch):
    taken = []
    monkeypatch.setattr(svd, "_range", lambda matrix, width: taken.append(width) or torch.eye(300)[:, :32])
    largest(torch.randn(300, 240), 16)
    assert taken == [32]


def test_equal_matrices_give_equal_results():
    matrix = torch.randn(300, 240)
    torch.manual_seed(1)
    one = largest(matrix, 8)
    torch.manual_seed(2)
    assert all(torch.equal(a, b) for a, b in zip(one, largest(matrix, 8), strict=True))


def test_a_zero_matrix_has_no_singular_values():
    assert float(largest(torch.zeros(300, 240), 4).s.max()) == 0
    assert float(svd_of_product(torch.zeros(6, 2), torch.randn(2, 5)).s.max()) == 0
