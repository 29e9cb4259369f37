"""Drawn photographs in any number, each another scene, every hundredth a copy of another one.

A scene is noise whose amplitude falls as 1/f, as that of photographs does (Field 1987), with sharp shapes
over it. So the search for copies has as much to tell apart as among photographs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SIDES_PX = (192, 160)
"""Width and height."""
A_FOLDER = 1000
EVERY, BACK = 100, 37
"""Each ``EVERY``-th picture is a copy of the one ``BACK`` before it."""
VIEWS = ("front", "profile_left", "profile_right", "back")
Pixels = npt.NDArray[np.uint8]


def name_of(index: int) -> str:
    return f"{index // A_FOLDER:03d}/{index:06d}.jpg"


def copied(index: int) -> int | None:
    """The picture that this one is a copy of."""
    return index - BACK if index % EVERY == EVERY - 1 else None


def draw(folder: Path, number: int) -> Path:
    """The first ``number`` pictures below ``folder``, where they are not there; returns their manifest."""
    photos = folder / "photos"
    for index in range(number):
        path = photos / name_of(index)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            save(path, index)
    manifest = folder / "manifest.jsonl"
    with manifest.open("w", encoding="utf-8") as stream:
        for index in range(number):
            stream.write(json.dumps(row(index)) + "\n")
    return manifest


def row(index: int) -> dict[str, Any]:
    """The manifest's row: ten pictures a subject, buckets of unequal size."""
    subject = f"s{index // 10:05d}"
    facts = {"image": f"photos/{name_of(index)}", "subject": subject, "consent": f"form-{subject}"}
    view = VIEWS[min(index * index % 7, 3)]
    return {
        **facts,
        "age": "26-30",
        "view": view,
        "type": "bust",
        "ear_side": "left",
        "ear_box": [60, 50, 110, 120],
    }


def save(path: Path, seed: int) -> None:
    """Picture ``seed`` as a JPEG."""
    import cv2

    _, data = cv2.imencode(".jpg", picture(seed)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    path.write_bytes(data.tobytes())


def picture(seed: int) -> Pixels:
    """uint8 [160, 192, 3]."""
    original = copied(seed)
    return scene(seed) if original is None else _copy_of(scene(original), seed // EVERY)


def scene(seed: int) -> Pixels:
    """Three planes of 1/f noise, mixed to colours, and sharp shapes."""
    import cv2

    chance = np.random.default_rng(seed)
    planes = chance.normal(size=(3, 40, 48)).astype(np.float32)
    soft = np.fft.irfft2(np.fft.rfft2(planes) * _falling(40, 48), s=(40, 48)).astype(np.float32)
    soft /= soft.std(axis=(1, 2), keepdims=True)
    levels = chance.uniform(70, 180, 3), np.array([48.0, 14.0, 14.0])
    luma, warm, green = (plane * spread for plane, spread in zip(soft, levels[1], strict=True))
    colours = np.stack([luma + warm, luma + green, luma - warm], axis=2) + levels[0]
    rgb = cv2.resize(colours.astype(np.float32), SIDES_PX, interpolation=cv2.INTER_CUBIC)
    rgb += chance.normal(0, 2, (*SIDES_PX[::-1], 1))
    rgb = np.clip(rgb, 0, 255).astype(np.uint8)
    for _ in range(int(chance.integers(8, 20))):
        _shape(rgb, chance)
    return rgb


@lru_cache(1)
def _falling(height: int, width: int) -> npt.NDArray[np.float32]:
    """1/f, without the mean."""
    far = np.hypot(np.fft.fftfreq(height)[:, None] * height, np.fft.rfftfreq(width)[None] * width)
    return np.where(far > 0, 1 / np.maximum(far, 1), 0).astype(np.float32)


def _shape(rgb: Pixels, chance: np.random.Generator) -> None:
    import cv2

    colour = tuple(int(value) for value in chance.integers(0, 256, 3))
    at, size = chance.integers(0, SIDES_PX), chance.integers(3, 40, 2)
    cv2.ellipse(rgb, at.tolist(), size.tolist(), int(chance.integers(0, 180)), 0, 360, colour, -1)


def _copy_of(rgb: Pixels, how: int) -> Pixels:
    return np.ascontiguousarray(_COPIES[how % len(_COPIES)](rgb))


def _cropped(rgb: Pixels) -> Pixels:
    return rgb[12:-8, 10:-14]


def _lighter(rgb: Pixels) -> Pixels:
    return np.clip(rgb * 1.15 + 6, 0, 255).astype(np.uint8)


def _smaller(rgb: Pixels) -> Pixels:
    import cv2

    return cv2.resize(rgb, (144, 120), interpolation=cv2.INTER_AREA)


_COPIES: tuple[Callable[[Pixels], Pixels], ...] = (
    lambda rgb: rgb[:, ::-1],
    _cropped,
    _lighter,
    _smaller,
    lambda rgb: np.rot90(rgb),
)


def known_pairs(number: int) -> Iterator[tuple[str, str]]:
    """(copy, original) among the first ``number`` pictures."""
    for index in range(number):
        original = copied(index)
        if original is not None:
            yield name_of(index), name_of(original)
