"""The quality that a picture was saved with as a JPEG: from the file's tables, or from the pixels alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Pixels = npt.NDArray[np.uint8]
LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
).ravel()
"""ITU-T T.81, table K.1, row by row."""
BLOCK_PX, LEAST_SIDE_PX = 8, 32
BLOCKS = 256
"""Blocks that are looked at, evenly over the picture."""
LEAST_WHOLE = 64
"""So many blocks without a clipped pixel are enough: the others' coefficients are off."""
FREQUENCIES = 20
"""The lowest, in the order of the file: the others are nearly all 0."""
BIN, HIGHEST = 0.5, 200.0
EVIDENCE = 60.0
"""Least log likelihood ratio of all coefficients together."""
LEAST = 1.5
"""Coefficients nearer to 0 fit every step."""
SPREADS = ((0.6, 0.33), (0.2, 0.8), (0.2, 2.0))
"""(share, sigma) of what rounding to whole grey levels, a second saving, and clipping do to a coefficient."""
OUTLIERS = 0.02
WHITEST = 254
"""Of grey levels from which 1 was taken away: black is then 255."""
CERTAIN = 0.1
"""Mean log likelihood ratio a coefficient from which on the picture was a JPEG; none has about −0.4."""
PARTS, PARTS_OF_RATIOS = 2, 5
"""Products are taken in so many parts: on larger ones, BLAS starts threads, which go on waiting for the next
one on all processors."""
APART = 3
"""Two qualities must be further apart than this to be two savings."""


def table_quality(tables: Mapping[int, tuple[int, ...]]) -> int | None:
    """IJG quality 1 to 100 nearest to the luminance table, None without tables (Kornblum 2008)."""
    return _nearest(tables[0]) if 0 in tables else None


@lru_cache(256)
def _nearest(table: tuple[int, ...]) -> int:
    found = np.log(np.clip(np.array(table, float), 1, None))
    return int(np.abs(np.log(_IJG) - found).mean(axis=1).argmin()) + 1


def hidden_quality(rgb: Pixels, phases: Iterable[tuple[int, int]]) -> int | None:
    """The lowest quality 1 to 99 that the pixels of uint8 [H, W, 3] were once saved with, None for none.

    ``phases`` are the (row, column) 0 to 7 where blocks may start. Coefficients of a JPEG's blocks are near
    multiples of their quantisation step, also in a PNG made of it (Fan & de Queiroz, IEEE Trans. Image
    Processing 12 (2003); Neelamani et al., IEEE Trans. Image Processing 15 (2006)): for each quality, the
    likelihood of that comb against none, over the coefficients that are not 0.
    """
    if min(rgb.shape[:2]) < LEAST_SIDE_PX:
        return None
    found = [quality for phase in set(phases) if (quality := _quality_at(rgb, phase)) is not None]
    return min(found, default=None)


def _quality_at(rgb: Pixels, phase: tuple[int, int]) -> int | None:
    coefficients = _coefficients(_blocks(rgb, *phase))
    counts = _histograms(coefficients)
    number = counts[:, int(LEAST / BIN) :].sum()
    found = (_RATIOS @ counts.T).reshape(-1, FREQUENCIES)[_ROWS, np.arange(FREQUENCIES)]
    found[:, 0] = np.maximum(found[:, 0], 0)  # clipped colours shift the mean, which then says nothing
    gains = found.sum(axis=1)
    peaks = [
        index
        for index in np.flatnonzero(gains > max(CERTAIN * number, EVIDENCE))
        if gains[index] >= gains[max(index - APART, 0) : index + APART + 1].max()
    ]
    return int(peaks[0]) + 1 if peaks else None


def _blocks(rgb: Pixels, row: int, column: int) -> Pixels:
    """Blocks without clipped pixels, wherever there are enough: [N, 64 · 3]."""
    shifted = rgb[row:, column:]
    rows, columns = shifted.shape[0] // BLOCK_PX, shifted.shape[1] // BLOCK_PX
    whole = shifted[: rows * BLOCK_PX, : columns * BLOCK_PX].reshape(rows, BLOCK_PX, columns, BLOCK_PX * 3)
    found = _evenly(whole, np.arange(rows * columns))
    unclipped = (found - np.uint8(1)).max(axis=1) < WHITEST
    if unclipped.sum() >= LEAST_WHOLE:
        return found[unclipped]
    everywhere = np.flatnonzero((whole - np.uint8(1)).max(axis=1).max(axis=2) < WHITEST)
    return _evenly(whole, everywhere) if len(everywhere) >= LEAST_WHOLE else found


def _evenly(whole: Pixels, places: npt.NDArray[np.intp]) -> Pixels:
    """Up to `BLOCKS` of the blocks at ``places`` of [rows, 8, columns, 8 · 3]: [N, 64 · 3]."""
    columns = whole.shape[2]
    chosen = places[np.linspace(0, len(places) - 1, min(BLOCKS, len(places))).astype(np.intp)]
    return whole[chosen // columns, :, chosen % columns].reshape(len(chosen), -1)


def _coefficients(blocks: Pixels) -> Floats:
    """Magnitudes of the lowest `FREQUENCIES` of the luma of each block: [N, `FREQUENCIES`]."""
    luma = cv2.transform(blocks.astype(np.float32).reshape(-1, BLOCK_PX**2, 3), _LUMA)
    found = np.concatenate([part @ _BASIS for part in np.array_split(luma, PARTS)])
    found[:, 0] -= BLOCK_PX * 128
    return np.abs(found, out=found)


def _histograms(coefficients: Floats) -> Floats:
    """How many coefficients of each frequency lie in each bin: [`FREQUENCIES`, bins]."""
    bins = int(HIGHEST / BIN)
    places = (coefficients / BIN).astype(np.intp)
    flat = (places + np.arange(FREQUENCIES) * bins)[places < bins]
    counts = np.bincount(flat, minlength=FREQUENCIES * bins)
    return counts.reshape(FREQUENCIES, bins).astype(np.float32)


def _ijg_tables() -> Floats:
    """The table of each quality from 1 to 100 as libjpeg scales it: [100, 64]."""
    quality = np.arange(1, 101)
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    return np.clip((LUMINANCE * scale[:, None] + 50) // 100, 1, 255).astype(float)


def _ratios(steps: npt.NDArray[np.intp]) -> Floats:
    """Log likelihood of a coefficient in each bin, quantised by each of ``steps`` over not: [steps, bins]."""
    centre = (np.arange(int(HIGHEST / BIN)) + 0.5) * BIN
    step = steps[:, None].astype(float)
    off = centre - np.round(centre / step) * step
    comb = sum(
        share * step / (np.sqrt(2 * np.pi) * sigma) * np.exp(-np.square(off / sigma) / 2)
        for share, sigma in SPREADS
    )
    ratio = np.log((1 - OUTLIERS) * comb + OUTLIERS)
    ratio = np.where(centre < step / 2, np.minimum(ratio, 0), ratio)  # near 0 any step fits: no evidence
    return np.where(centre < LEAST, 0, ratio).astype(np.float32)


def _in_parts(ratios: Floats) -> Floats:
    """[steps, bins] as [parts, steps of each, bins], filled up with zeros."""
    filled = np.pad(ratios, ((0, -len(ratios) % PARTS_OF_RATIOS), (0, 0)))
    return filled.reshape(PARTS_OF_RATIOS, -1, ratios.shape[1])


def _cosines() -> tuple[npt.NDArray[np.intp], Floats]:
    """(places of the lowest frequencies in a table, their bases: [64, `FREQUENCIES`])."""
    wave = np.cos((2 * np.arange(BLOCK_PX) + 1) * np.arange(BLOCK_PX)[:, None] * np.pi / (2 * BLOCK_PX))
    wave *= np.where(np.arange(BLOCK_PX) == 0, np.sqrt(1 / 8), np.sqrt(2 / 8))[:, None]
    order = sorted(range(BLOCK_PX**2), key=lambda place: (sum(divmod(place, BLOCK_PX)), place))
    places = np.array(order[:FREQUENCIES])
    basis = np.einsum("uy,vx->yxuv", wave, wave).reshape(BLOCK_PX**2, BLOCK_PX**2)
    return places, np.ascontiguousarray(basis[:, places], np.float32)


_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)
_IJG = _ijg_tables()
_PLACES, _BASIS = _cosines()
_STEPS = _IJG[:, _PLACES].astype(np.intp)
_USED = np.unique(_STEPS)
_ROWS = np.searchsorted(_USED, _STEPS)
_RATIOS = _in_parts(_ratios(_USED))
