"""Equal and nearly equal pictures in a set, from small copies of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from dataset_tools.pictures.images import Pixels

COARSE_PX, FINE_PX = 16, 64
ROWS_AT_ONCE = 512


class Fingerprint(NamedTuple):
    """``digest``: SHA-256 of size and pixels; ``grey``: the picture as uint8 [`FINE_PX`, `FINE_PX`]."""

    digest: str
    grey: Pixels


class Match(NamedTuple):
    """``original`` is the index of the earlier picture, ``equal`` whether every pixel is."""

    original: int
    similarity: float
    equal: bool = False


def fingerprint(rgb: Pixels) -> Fingerprint:
    """The fingerprint of uint8 [H, W, 3]."""
    digest = hashlib.sha256(str(rgb.shape).encode())
    digest.update(np.ascontiguousarray(rgb))
    grey = cv2.cvtColor(cv2.resize(rgb, (FINE_PX, FINE_PX), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    return Fingerprint(digest.hexdigest(), grey)


def find_duplicates(prints: Sequence[Fingerprint | None], least: float | None) -> dict[int, Match]:
    """The best earlier match of each picture that is equal or at least ``least`` alike (None: equal only).

    Mirrored and turned copies count as alike; similarity is the correlation of the small grey copies.
    """
    found = _equal(prints)
    if least is not None:
        rest = [i for i, one in enumerate(prints) if one is not None and i not in found]
        found |= _alike(rest, [prints[i].grey for i in rest], least)
    return found


def _equal(prints: Sequence[Fingerprint | None]) -> dict[int, Match]:
    first: dict[str, int] = {}
    found = {}
    for index, one in enumerate(prints):
        if one is None:
            continue
        if one.digest in first:
            found[index] = Match(first[one.digest], 1.0, equal=True)
        else:
            first[one.digest] = index
    return found


def _alike(indices: list[int], greys: list[Pixels], least: float) -> dict[int, Match]:
    """Coarse correlations in blocks of rows, each against the pictures before it; then the fine ones."""
    found: dict[int, Match] = {}
    if not greys:
        return found
    coarse = np.stack(
        [_normalised(cv2.resize(g, (COARSE_PX, COARSE_PX), interpolation=cv2.INTER_AREA)) for g in greys]
    )
    turned = [
        np.stack([_turn(one.reshape(COARSE_PX, COARSE_PX), k).ravel() for one in coarse]) for k in range(8)
    ]
    for start in range(0, len(greys), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        best = np.max([block[rows] @ coarse[: start + ROWS_AT_ONCE].T for block in turned], axis=0)
        for row, column in np.argwhere(best >= least):
            later, earlier = start + int(row), int(column)
            if earlier >= later:
                continue
            similarity = _similarity(greys[earlier], greys[later])
            if similarity >= least and similarity > found.get(indices[later], Match(0, 0.0)).similarity:
                found[indices[later]] = Match(indices[earlier], similarity)
    return found


def _similarity(first: Pixels, second: Pixels) -> float:
    reference = _normalised(first)
    return float(max(_normalised(_turn(second, k)) @ reference for k in range(8)))


def _turn(grey: npt.NDArray, orientation: int) -> npt.NDArray:
    """One of the 8 orientations of a square: quarter turns, and their mirror images."""
    return np.rot90(grey.T if orientation >= 4 else grey, orientation % 4)


def _normalised(grey: npt.NDArray) -> npt.NDArray[np.float32]:
    """As a vector of mean 0 and length 1; a flat picture is all zeros and like nothing."""
    values = grey.astype(np.float32).ravel()
    values -= values.mean()
    length = np.linalg.norm(values)
    return values / length if length > 1e-3 else np.zeros_like(values)
