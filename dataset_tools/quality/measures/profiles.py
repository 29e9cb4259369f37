"""A picture's edges and bends, averaged along its columns or rows, and the frequencies in them."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from dataset_tools.pictures.pyramid import halved

Floats = npt.NDArray[np.floating]
Pixels = npt.NDArray[np.uint8]
ENOUGH_PX = 200_000
"""Pixels that each direction is averaged over."""
BAND_PX = 128
MOST_EDGE, MOST_BEND = 8, 3
"""Grey levels at which a single step or bend is cut off: strong contrast would drown the rest."""
BINS = 4096
TREND_PX = 17
CLIP = 4 * 1.4826
"""Outliers end at four standard deviations, told from the median of the magnitudes."""
SURROUNDINGS = 128


class Profile(NamedTuple):
    """Along one axis of N pixels."""

    means: Floats
    """[3, N − 3], mean grey levels without their trend and their outliers: by how much the step from pixel
    1 + i to the next is higher than both steps beside it (the edges); by how much the steps at both sides of
    pixel 1 + i differ (the bends); and the steps themselves.
    """
    changed: npt.NDArray[np.bool_]
    """[N − 1]: where any pixel differs from the next."""


class Spectra(NamedTuple):
    """Of profiles, at `BINS` / 2 + 1 frequencies from 0 to 1/2 a pixel: [profiles, frequencies]."""

    logs: Floats
    """Log of 1 + power over its surroundings' median."""
    amplitudes: Floats

    def divided(self, profiles: int) -> tuple[Spectra, Spectra]:
        """Those of the first ``profiles``, and those of the others."""
        rows = 2 * profiles
        first, others = ([one[part] for one in self] for part in (slice(rows), slice(rows, None)))
        return Spectra(*first), Spectra(*others)


EDGES, BENDS = slice(0, None, 2), slice(1, None, 2)
"""Of the spectra of two profiles, those of the edges and of the bends."""


def profiles(luma: Pixels) -> tuple[Profile, Profile]:
    """Across the columns and down the rows of uint8 [H, W]."""
    every = max(luma.size // ENOUGH_PX, 1)
    return _profile(_bands(luma, every, axis=0)), _profile(cv2.transpose(_bands(luma, every, axis=1)))


def colour_profile(rgb: Pixels) -> Profile:
    """Across the columns of uint8 [H, W, 3] at half the size, from every other pair of rows: how green it is.

    A JPEG keeps colour at half the size, so its blocks are 8 px there too; and hardly any texture is in it.
    """
    red, green, blue = cv2.split(halved(rgb[::2]))
    mixed = red.astype(np.int16) + blue - 2 * green.astype(np.int16)
    return _profile((mixed // 4 + 128).astype(np.uint8))


def _bands(luma: Pixels, every: int, axis: int) -> Pixels:
    """One in ``every`` bands of `BAND_PX` rows (axis 0) or columns (axis 1)."""
    step = every * BAND_PX
    if every == 1 or luma.shape[axis] < step:
        return luma
    starts = range((step - BAND_PX) // 2, luma.shape[axis] - BAND_PX + 1, step)
    parts = [slice(start, start + BAND_PX) for start in starts]
    return np.concatenate([luma[part] if axis == 0 else luma[:, part] for part in parts], axis)


def _profile(band: Pixels) -> Profile:
    steps = cv2.absdiff(band[:, 1:], band[:, :-1])
    beside = cv2.max(steps[:, 2:], steps[:, :-2])
    edges = _sums(_at_most(cv2.subtract(steps[:, 1:-1], beside), MOST_EDGE))
    bends = _sums(_at_most(cv2.absdiff(steps[:, 1:], steps[:, :-1]), MOST_BEND))
    clipped = _sums(_at_most(steps, MOST_EDGE))
    means = np.stack([edges, bends[:-1], clipped[1:-1]]) / np.float32(len(band))
    return Profile(_without_trend(means), clipped > 0)


def _at_most(values: Pixels, limit: int) -> Pixels:
    return cv2.threshold(values, limit, 0, cv2.THRESH_TRUNC)[1]


def _sums(values: Pixels) -> npt.NDArray[np.int32]:
    return cv2.reduce(values, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[0]


def _without_trend(values: Floats) -> Floats:
    steps = values - cv2.blur(values, (TREND_PX, 1))
    limit = CLIP * _middle(np.abs(steps))[:, None] + np.float32(1e-9)
    return np.clip(steps, -limit, limit)


def spectra(*profiles: Profile) -> Spectra:
    """Of the profiles' edges and bends: two rows each."""
    from scipy.fft import rfft

    steps = np.zeros((2 * len(profiles), BINS), np.float32)
    for place, one in enumerate(profiles):
        length = one.means.shape[1]
        np.multiply(one.means[:2], _window(length), out=steps[2 * place : 2 * place + 2, :length])
    waves = rfft(steps, overwrite_x=True)
    power = np.square(waves.real) + np.square(waves.imag)
    return Spectra(_over_surroundings(power), np.sqrt(power))


def _over_surroundings(power: Floats) -> Floats:
    """log(1 + power / median around it)."""
    medians = _middle(power[:, :-1].reshape(len(power), -1, SURROUNDINGS))
    around = medians @ _SPREAD + np.float32(1e-12)
    return np.log(power / around + np.float32(1))


def _middle(values: Floats) -> Floats:
    """About the median along the last axis."""
    place = values.shape[-1] // 2
    return np.partition(values, place, axis=-1)[..., place]


@cache
def _window(length: int) -> Floats:
    """Under it the spectrum of a sine is its amplitude."""
    window = np.hanning(length)
    return (window * 2 / window.sum()).astype(np.float32)


def _interpolation() -> Floats:
    """From a value in the middle of each of the surroundings to one at every frequency."""
    middles = np.arange(SURROUNDINGS // 2, BINS // 2, SURROUNDINGS)
    return np.stack(
        [np.interp(np.arange(BINS // 2 + 1), middles, one) for one in np.eye(len(middles))]
    ).astype(np.float32)


_SPREAD = _interpolation()
