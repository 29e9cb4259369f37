"""The demo's project: about thirty drawn photographs of one person, some of them bad, and a manifest.

What a user would bring lies in ``photos``, ``masks`` and ``class_photos``; every file comes from one seed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from dataset_tools.files import whole_file, write_text
from wrapper.demo.people import (
    CLASS_WORD,
    TRIGGER,
    caption,
    concept_portrait,
    manifest_fields,
    random_portrait,
)
from wrapper.demo.portraits import VIEWS, Portrait
from wrapper.places import shipped
from wrapper.project.layout import PROJECT_FILE

if TYPE_CHECKING:
    import numpy as np

SIZE_PX = 64
TRAIN, HELD_OUT, CLASS_IMAGES = 20, 12, 20
EXTRA_FRONTS = 4
"""People have more pictures of themselves from the front: what the balance is for."""
SEED = 20
MARKER = ".lorawrap-demo"


@dataclass(frozen=True)
class Photo:
    """One drawn photograph, its ear mask (white is the part to repaint) and its manifest row."""

    name: str
    rgb: np.ndarray
    mask: np.ndarray
    row: dict[str, Any]


def write_world(folder: Path) -> None:
    """Write photographs, masks, manifest and ``lorawrap.toml`` into ``folder``; files that are there stay.

    Raises `UserError` for a folder with other people's files in it.
    """
    if folder.is_file():
        raise UserError(f"{folder}: is a file.", "Give another folder with --out.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise UserError(f"{folder}: holds files that are not the demo's.", "Give an empty folder with --out.")
    if (folder / MARKER).is_file() and (folder / PROJECT_FILE).is_file():
        return
    write_text(folder / MARKER, "made by `lorawrap demo`\n")
    rows = [_save(photo, folder) for photo in photographs(random.Random(SEED))]
    (folder / "photos" / "truncated.png").write_bytes((folder / "photos" / "front_00.png").read_bytes()[:900])
    rows.append({**rows[0], "image": "photos/truncated.png", "split": "train"})
    for index, rgb in enumerate(class_photographs(random.Random(SEED + 1))):
        _save_png(folder / "class_photos" / f"{CLASS_WORD}_{index:02d}.png", rgb)
    write_text(folder / "manifest.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    template = shipped("templates") / "project" / "demo.toml"
    write_text(folder / PROJECT_FILE, template.read_text(encoding="utf-8"))


def photographs(rng: random.Random) -> Iterator[Photo]:
    """Train and held-out photographs of the new person, then copies that a camera or a person spoiled."""
    good = []
    for index in range(TRAIN + HELD_OUT):
        view = "front" if index < EXTRA_FRONTS else VIEWS[index % len(VIEWS)]
        split = "train" if index < TRAIN else "holdout"
        good.append(photograph(f"{view}_{index:02d}", concept_portrait(rng, view), split))
    yield from good
    for (name, spoil), photo in zip(_SPOILERS.items(), good, strict=False):
        rgb, mask = spoil(photo.rgb), spoil_mask(name, photo.mask)
        yield Photo(name, rgb, mask, _renamed(photo.row, name))


def photograph(name: str, portrait: Portrait, split: str) -> Photo:
    """Draw ``portrait`` and describe it as a manifest row."""
    import numpy as np

    from wrapper.demo.drawing import draw

    rgb, masks = draw(portrait, SIZE_PX)
    mask = np.maximum.reduce(list(masks.values()))
    row = {
        "image": f"photos/{name}.png",
        "mask": f"masks/{name}.png",
        "subject": TRIGGER,
        "consent": {"id": "drawn, nobody is shown", "by": "subject"},
        "type": "bust",
        "client_class": "clients.back" if portrait.view == "back" else "clients.portrait",
        "prompt": caption(portrait),
        "split": split,
        **manifest_fields(portrait),
    }
    return Photo(name, rgb, mask, row)


def class_photographs(rng: random.Random) -> Iterator[np.ndarray]:
    """Drawings of ordinary people, for prior preservation."""
    from wrapper.demo.drawing import draw

    for index in range(CLASS_IMAGES):
        yield draw(random_portrait(rng, VIEWS[index % len(VIEWS)]), SIZE_PX)[0]


def _blurred(rgb: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.GaussianBlur(rgb, (0, 0), 2.5)


def _noisy(rgb: np.ndarray) -> np.ndarray:
    import numpy as np

    noise = np.random.default_rng(SEED).normal(0.0, 30.0, rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)


def _blank(rgb: np.ndarray) -> np.ndarray:
    return (rgb * 0 + 128).astype(rgb.dtype)


def _small(rgb: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.resize(rgb, (40, 40), interpolation=cv2.INTER_AREA)


_SPOILERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "blurred": _blurred,
    "noisy": _noisy,
    "blank": _blank,
    "too_small": _small,
    "again": lambda rgb: rgb.copy(),
}


def spoil_mask(name: str, mask: np.ndarray) -> np.ndarray:
    """The mask that belongs to a spoiled copy: only the size may change."""
    return (_small(mask) > 127).astype(mask.dtype) * 255 if name == "too_small" else mask


def _renamed(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {**row, "image": f"photos/{name}.png", "mask": f"masks/{name}.png", "split": "train"}


def _save(photo: Photo, folder: Path) -> dict[str, Any]:
    _save_png(folder / "photos" / f"{photo.name}.png", photo.rgb)
    _save_png(folder / "masks" / f"{photo.name}.png", photo.mask)
    return photo.row


def _save_png(path: Path, array: np.ndarray) -> None:
    from PIL import Image

    with whole_file(path) as temporary:
        Image.fromarray(array).save(temporary)
