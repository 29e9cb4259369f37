"""A folder as a user brings it: drawn portraits in folders that say what they show, painted copies beside."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.qc import faults
from wrapper.demo.drawing import draw
from wrapper.demo.people import concept_portrait

Pixels = npt.NDArray[np.uint8]
SIZE_PX = 768
VIEWS = ("front", "front", "front", "profile_left", "profile_left", "profile_right")
SEED = 26
GREEN = (0, 255, 0)


def write_folder(root: Path, views: tuple[str, ...] = VIEWS) -> Path:
    """``photos/age2630/standing_<view>/NN.jpg``, copies in ``painted``, ``photos.jsonl`` with boxes."""
    rows = []
    for number, (view, rgb, mask) in enumerate(portraits(views)):
        name = f"photos/age2630/standing_{view.replace('_', '')}/{number:02d}.jpg"
        _save(root / name, rgb, quality=95)
        painted = rgb.copy()
        painted[mask >= 128] = GREEN
        _save(root / "painted" / f"{number:02d}.png", painted)
        rows.append(_row(name, view, mask))
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (root / "photos.jsonl").write_text(lines, encoding="utf-8")
    return root


def portraits(views: tuple[str, ...] = VIEWS, seed: int = SEED) -> Iterator[tuple[str, Pixels, Pixels]]:
    """View, picture and ear mask, drawn at `SIZE_PX`, with a little grain as a camera leaves it."""
    rng = random.Random(seed)
    for view in views:
        rgb, masks = draw(concept_portrait(rng, view), SIZE_PX)
        grain = np.random.default_rng(rng.randrange(1 << 30))
        yield view, faults.noise(rgb, 2.0, grain), np.maximum.reduce(list(masks.values()))


def spoiled(rgb: Pixels) -> Mapping[str, Pixels]:
    """One photograph and what can be wrong with it, by file name."""
    return {
        "as it is": rgb,
        "out of focus": faults.gaussian(rgb, 4.0),
        "moved": faults.motion(rgb, 22, 0.35),
        "subject soft": faults.behind(rgb, 5.0, subject_soft=True),
        "grain": faults.noise(rgb, 24.0, np.random.default_rng(1)),
        "saved too small": faults.jpeged(rgb, 12),
        "dark": faults.relit(rgb, 0.16, 0.0),
        "blown out": faults.relit(rgb, 2.6, 60.0),
        "enlarged": faults.upscaled(rgb, 2.5, "bicubic"),
        "screenshot": faults.bordered(rgb, 0.12, 0, "tb"),
        "sent half": faults.grey_filled(rgb, 0.35),
        "mirrored": np.ascontiguousarray(rgb[:, ::-1]),
    }


def _row(name: str, view: str, mask: Pixels) -> dict[str, Any]:
    rows, columns = np.nonzero(mask >= 128)
    box = [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]
    side = {"profile_left": "left", "profile_right": "right"}.get(view, "both")
    known = {"subject": "anna", "consent": "signed 2026-11-02", "age": "26-30", "type": "bust"}
    return {"image": name, **known, "view": view, "ear_side": side, "ear_box": box}


def _save(path: Path, rgb: Pixels, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path, **options)
