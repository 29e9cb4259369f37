"""Descriptors of windows of a thumbnail: low frequencies, so that mirroring and turning are sign and order.

A window is described by the 8 × 8 lowest coefficients of its DCT-II (Ahmed, Natarajan & Rao 1974), without
the mean, higher frequencies weighted up (photographs have less there), scaled to one length. A crop or a
bordered copy is then, whole, like one window of the other picture.

Descriptors are whole numbers of at most `SCALE`: the sums of their products stay below 2**24, so float32
holds them exactly, and how alike two are does not hang on what is multiplied along with them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataset_tools.pictures.images import Pixels
from dataset_tools.quality.duplicates.thumbnails import SIDE_PX

Floats = npt.NDArray[np.float32]
FREQUENCIES = 8
LENGTH = FREQUENCIES**2
ORIENTATIONS = 8
INTERVALS = (
    (0.0, 1.0),
    *((start, start + 0.84) for start in (0.0, 0.08, 0.16)),
    *((start, start + 0.70) for start in (0.0, 0.075, 0.15, 0.225, 0.30)),
)
"""Parts of an axis; a window is one of them down and one across."""
WINDOWS = len(INTERVALS) ** 2
SAMPLES = 64
SCALE = 4000
"""The length of a descriptor; rounding lets it grow by 4."""
EQUAL = SCALE**2
"""The product of two equal descriptors."""
FLAT = 0.5
"""Weighted energy, in grey levels, under which a window shows nothing."""


class Box(NamedTuple):
    """A part of a picture, in shares of its sides."""

    top: float
    bottom: float
    left: float
    right: float


PLACES = [Box(*down, *across) for down in INTERVALS for across in INTERVALS]
"""The rows of `descriptors`."""


def _basis(start: float, end: float) -> Floats:
    """Cosines over a part of the axis, as weights of the pixels: [`FREQUENCIES`, `SIDE_PX`]."""
    steps = (np.arange(SAMPLES) + 0.5) / SAMPLES
    place = (start + (end - start) * steps) * SIDE_PX - 0.5
    pixel = np.floor(place).astype(int)
    share = place - pixel
    basis = np.zeros((FREQUENCIES, SIDE_PX))
    for frequency in range(FREQUENCIES):
        wave = np.cos(np.pi * frequency * steps) * (np.sqrt(2) if frequency else 1) / SAMPLES
        np.add.at(basis[frequency], pixel.clip(0, SIDE_PX - 1), wave * (1 - share))
        np.add.at(basis[frequency], (pixel + 1).clip(0, SIDE_PX - 1), wave * share)
    return basis.astype(np.float32)


_ALL = np.concatenate([_basis(*interval) for interval in INTERVALS])
_RADIUS = np.hypot(*np.meshgrid(np.arange(FREQUENCIES), np.arange(FREQUENCIES)))
_WEIGHT = np.where(_RADIUS <= FREQUENCIES, _RADIUS**0.7, 0.0).astype(np.float32)
_ODD = np.where(np.arange(FREQUENCIES) % 2, -1.0, 1.0).astype(np.float32)


def descriptors(grey: Pixels) -> Floats:
    """All windows of a thumbnail: [`WINDOWS`, `LENGTH`]; a flat one is zeros and like nothing."""
    count = len(INTERVALS)
    found = (_ALL @ grey.astype(np.float32) @ _ALL.T).reshape(count, FREQUENCIES, count, FREQUENCIES)
    return _scaled(found.transpose(0, 2, 1, 3).reshape(WINDOWS, FREQUENCIES, FREQUENCIES))


def whole(grey: Pixels) -> Floats:
    """A whole thumbnail as it is, the first of its windows: [`LENGTH`]."""
    return descriptors(grey)[0]


def oriented(wholes: Floats, orientations: npt.NDArray[np.intp]) -> Floats:
    """Rows of `whole`, [N, `LENGTH`], as these would be of the pictures after `turn` by ``orientations``."""
    return np.take_along_axis(wholes, _ORDER[orientations], axis=1) * _SIGN[orientations]


def turned_back(windows: Floats, orientation: int) -> Floats:
    """Rows [N, `LENGTH`] whose products with `whole` are those of ``windows`` with `oriented` ones."""
    found = np.empty_like(windows)
    found[:, _ORDER[orientation]] = windows * _SIGN[orientation]
    return found


def turn(grey: npt.NDArray, orientation: int) -> npt.NDArray:
    """One of the 8 orientations of a square: quarter turns, and their mirror images."""
    return np.ascontiguousarray(np.rot90(grey.T if orientation >= 4 else grey, orientation % 4))


def _turned(found: Floats, orientation: int) -> Floats:
    """Coefficients of ``turn(picture, orientation)``: mirroring changes the sign of the odd ones."""
    found = found.T if orientation >= 4 else found
    for _ in range(orientation % 4):
        found = (found * _ODD).T
    return found


def _orders() -> tuple[npt.NDArray[np.intp], Floats]:
    """For each orientation, where its coefficients come from, and their signs: [`ORIENTATIONS`, `LENGTH`]."""
    numbered = np.arange(1, LENGTH + 1, dtype=np.float32).reshape(FREQUENCIES, FREQUENCIES)
    found = np.stack([_turned(numbered, orientation).ravel() for orientation in range(ORIENTATIONS)])
    return np.abs(found).astype(np.intp) - 1, np.sign(found)


_ORDER, _SIGN = _orders()


def _scaled(found: Floats) -> Floats:
    values = (found * _WEIGHT).reshape(len(found), LENGTH)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    scaled = values * (SCALE / np.maximum(length, FLAT))
    return np.where(length > FLAT, np.rint(scaled), 0.0).astype(np.float32)
