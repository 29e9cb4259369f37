"""How soft the subject is: noise, plain areas, strong contrast and a soft background do not count."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import sqrt
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from dataset_tools.pictures.images import Pixels
from dataset_tools.pictures.pyramid import Pyramid, halved
from dataset_tools.quality.measures.tiles import inside, strips, tile_slopes

Floats = npt.NDArray[np.floating]
TILE_PX = 32
"""Side of a tile at full size; the same tiles are half and a quarter as large in the smaller copies."""
TILES = 8
"""So many tiles fit into a small picture's short side."""
LAPLACIAN_PX = 4
"""Rows of every other tile whose Laplacian is taken."""
STRUCTURE, BENT = 4.0, 1.0
"""Least squared gradient, (grey levels / px)² in the smallest copy, of a tile that has an edge; least part of
it that is no even slope."""
FAINT = 0.5
"""Added to what each direction has there, without noise: in a faint tile, a JPEG's steps are no detail."""
TAPS = 3 / 16
"""Sum of the squared taps of one Sobel derivative: the energy that white noise of sigma 1 leaves."""
SHARPER, SHARPER_OF_SMALL = 0.15, 0.4
"""That share of the subject's tiles is sharper than what counts: a face or a fruit has few sharp edges and
much soft shade. A small picture has too few tiles for that."""
SHADE, SHADE_OF_NOISY = 0.15, 0.3
"""Share of the subject's tiles, the softest, that say nothing of motion."""
NOISY = 3.0
"""From this sigma on, the finest copy says nothing any more."""
NOISE_HIDES = 0.3
"""Octaves by which the coarser ratio of a soft picture lies lower than the finer one's."""
RIDGE = 0.02
SHARP, SHARP_HALVED, LEAST_RATIO = 0.248, 0.492, 0.004
"""Ratio of a sharp straight edge, the whole size or half of it over a quarter; the least that counts."""
LEAST_EDGED = 3
NO_EDGE = 6.0
AVERAGED, LEAST_CURVED = 4, 2.2
"""The quarter is averaged down by so much; from that deviation of its Laplacian on, there is a picture. Skies
with noise of sigma 4 have up to 1.5, photographs blurred by 16 px 2.8 and more."""
_WIDTHS = (0, 0.3, 0.5, 0.7, 0.85, 1, 1.2, 1.4, 1.7, 2, 2.5, 3, 3.5, 4, 5, 6, 8)
_OCTAVES = (0, 0, 0.22, 0.45, 0.6, 0.72, 0.88, 1.01, 1.19, 1.33, 1.5, 1.6, 1.69, 1.75, 1.83, 1.87, 1.91)
"""Softness of a straight edge that was blurred by a Gaussian of each of the widths (sigma, px)."""
WIDEST_PX = 9.0


class Subject(NamedTuple):
    """A Gaussian around the middle, its sigma as a share of each side, over a little everywhere."""

    sigma: float
    elsewhere: float


CORE, NARROW, WIDE = Subject(0.13, 0.0), Subject(0.18, 0.02), Subject(0.3, 0.3)


class Softness(NamedTuple):
    """Octaves by which the finest detail is weaker than that of a sharp straight edge; below 0 is crisper."""

    all_over: float
    one_way: float
    """The same in the direction where the picture is softest: it was moved."""


NOTHING_SHARP, PLAIN = Softness(NO_EDGE, NO_EDGE), Softness(0.0, 0.0)
"""Of pictures without an edge: all washed out, or a sky or a wall, where nothing can be soft."""


def laplacian_variance(luma: Pixels) -> float:
    """Variance of the 3 × 3 Laplacian (Pech-Pacheco et al., ICPR 2000): reported, since noise fools it.

    In a picture of many tiles, of a sixteenth of the rows.
    """
    if min(luma.shape) < TILES * TILE_PX:
        return _variance(cv2.Laplacian(luma, cv2.CV_16S))
    seen = cv2.Laplacian(strips(luma, LAPLACIAN_PX, 2 * TILE_PX), cv2.CV_16S)
    return _variance(inside(seen, LAPLACIAN_PX))


def _variance(values: npt.NDArray[np.int16]) -> float:
    flat = values.ravel().astype(np.float32)
    mean = float(flat.mean())
    return float(np.einsum("i,i->", flat, flat)) / flat.size - mean**2


def softness(sizes: Pyramid, noise: float) -> Softness:
    """Softness from the gradients' energy at two sizes, that of noise with sigma ``noise`` (of the luma) off.

    The ratio of the two tells the width of an edge, whatever its contrast (Elder & Zucker, PAMI 20 (1998);
    Zhuo & Sim, Pattern Recognition 44 (2011)). Tiles count by where they are and not by their contrast, and
    the smaller generalised eigenvalue of the two structure tensors tells motion. Under noise, half the size
    is compared with a quarter instead of the whole size.
    """
    noisy = noise >= NOISY
    tile_px = max(min(TILE_PX, min(sizes.luma.shape) // TILES // 4 * 4), 4)
    fine, coarse, edged = _without_noise(sizes, noise, tile_px)
    if edged.sum() < LEAST_EDGED:
        return NOTHING_SHARP if _is_curved(sizes.quarter) else PLAIN
    small = tile_px < TILE_PX
    of_subject = (WIDE, SHARPER_OF_SMALL) if small else (CORE, SHARPER)
    typical = _typical(fine, coarse, edged, *of_subject)
    of_motion = (WIDE, 0.0) if small else (NARROW, SHADE_OF_NOISY if noisy else SHADE)
    softest = _softest(fine, coarse, edged, *of_motion)
    sharp, offset = (SHARP_HALVED, NOISE_HIDES) if noisy else (SHARP, 0.0)
    return Softness(
        *(offset - float(np.log2(max(ratio, LEAST_RATIO) / sharp)) for ratio in (typical, softest))
    )


def _is_curved(quarter: Pixels) -> bool:
    """Whether there is more than a slope, such as a sky's, at the scale of tens of pixels."""
    small = halved(quarter, AVERAGED)
    bends = cv2.Laplacian(small, cv2.CV_16S)[1:-1, 1:-1]
    return bends.size > 0 and float(bends.std()) > LEAST_CURVED


def edge_width_px(octaves: float) -> float:
    """Softness as the sigma of the Gaussian that blurs a straight edge as much; below 0 stays what it is."""
    if octaves >= NO_EDGE:
        return WIDEST_PX
    if octaves <= 0:
        return float(octaves)
    return float(np.interp(octaves, _OCTAVES[1:], (0, *_WIDTHS[2:])))


def _without_noise(
    sizes: Pyramid, noise: float, tile_px: int
) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Structure tensors of the same tiles in a fine and a coarse copy, twice [3, rows, columns], without even
    slopes where tiles are large enough to tell them; and which tiles have an edge.
    """
    noisy = noise >= NOISY
    fine = tile_slopes(sizes.half, tile_px // 2) if noisy else tile_slopes(sizes.luma, tile_px)
    coarse = tile_slopes(sizes.quarter, tile_px // 4)
    rows, columns = (min(a, b) for a, b in zip(fine.whole.shape[1:], coarse.whole.shape[1:], strict=True))
    seen = np.s_[:, :rows, :columns]
    of_fine, of_coarse = (
        (one.whole - one.even if tile_px == TILE_PX else one.whole)[seen] for one in (fine, coarse)
    )
    least = TAPS * (noise / 4) ** 2
    edged = _energy(coarse.whole[seen]) > STRUCTURE + 3 * least
    of_fine[:2] -= TAPS * (noise / 2 if noisy else noise) ** 2
    of_coarse[:2] -= least
    edged &= _energy(of_coarse) > BENT + least
    if tile_px == TILE_PX and not noisy:
        of_coarse[:2] += FAINT
    return of_fine, of_coarse, edged


def _energy(tensors: Floats) -> Floats:
    return tensors[0] + tensors[1]


def _typical(
    fine: Floats, coarse: Floats, edged: npt.NDArray[np.bool_], subject: Subject, sharper: float
) -> float:
    """The ratio of energies that the share ``sharper`` of the subject's tiles exceeds."""
    return _reached(_ratios(fine, coarse)[edged], _weights(edged.shape, subject)[edged], 1 - sharper)


def _ratios(fine: Floats, coarse: Floats) -> Floats:
    return np.maximum(_energy(fine), 0) / np.maximum(_energy(coarse), np.float32(1e-6))


def _reached(values: Floats, weights: Floats, share: float) -> float:
    """The value up to which ``share`` of the weight lies."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, share * reached[-1])])


def _softest(
    fine: Floats, coarse: Floats, edged: npt.NDArray[np.bool_], subject: Subject, shade: float
) -> float:
    """The smaller generalised eigenvalue of the two sums: the ratio in the softest direction.

    Without the share ``shade`` of the tiles, the softest all over.
    """
    ratios, weights = _ratios(fine, coarse), _weights(edged.shape, subject)
    used = edged & (ratios >= _reached(ratios[edged], weights[edged], shade)) if shade else edged
    weights = weights[used] / _energy(coarse)[used]
    upper, lower = ((tensors[:, used] @ weights).tolist() for tensors in (fine, coarse))
    ridge = RIDGE * (lower[0] + lower[1])
    return _smaller_eigenvalue(*_ridged(upper, ridge), *_ridged(lower, ridge))


def _ridged(tensor: Sequence[float], ridge: float) -> tuple[float, float, float]:
    xx, yy, xy = tensor
    return xx + ridge, yy + ridge, xy


def _smaller_eigenvalue(xx: float, yy: float, xy: float, xx2: float, yy2: float, xy2: float) -> float:
    """The smaller r with det(A − r · B) = 0, for A and B given by (xx, yy, xy), B positive definite."""
    square, linear, constant = xx2 * yy2 - xy2**2, xx * yy2 + yy * xx2 - 2 * xy * xy2, xx * yy - xy**2
    return (linear - sqrt(max(linear**2 - 4 * square * constant, 0.0))) / (2 * square)


@lru_cache(64)
def _weights(shape: tuple[int, ...], subject: Subject) -> Floats:
    """How much each tile counts: [rows, columns]."""
    down, across = ((np.arange(count) + 0.5) / count - 0.5 for count in shape)
    found = np.exp(-(down[:, None] ** 2 + across**2) / (2 * subject.sigma**2)) + subject.elsewhere
    return found.astype(np.float32)
