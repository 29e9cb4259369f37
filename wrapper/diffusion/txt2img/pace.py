"""How long a step took on this machine, remembered for the forecast of the next run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.errors import UserError
from dataset_tools.files import write_json
from wrapper.diffusion.txt2img.shot import Shot
from wrapper.places import cache_folder

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo


def forecast_s(info: BaseInfo, device: str, shots: Sequence[Shot]) -> float | None:
    """Seconds for all ``shots``, without loading; None where one of their kind was never drawn here."""
    known = _read()
    paces = [known.get(_kind(info, device, shot)) for shot in shots]
    if None in paces:
        return None
    return sum(pace * shot.steps() for pace, shot in zip(paces, shots, strict=True) if pace)


def remember(info: BaseInfo, device: str, shot: Shot, seconds: float) -> None:
    """Keep what a step of ``shot`` took; a cache that cannot be written is done without."""
    with suppress(UserError):
        write_json(_memory(), {**_read(), _kind(info, device, shot): seconds / shot.steps()})


def _kind(info: BaseInfo, device: str, shot: Shot) -> str:
    final = shot.hires.size(shot.size) if shot.hires else shot.size
    return f"{info.path.absolute()} {device} {shot.size[0]}x{shot.size[1]} {final[0]}x{final[1]}"


def _memory() -> Path:
    return cache_folder() / "drawing-pace.json"


def _read() -> dict[str, float]:
    try:
        data = from_json(bounded_text(_memory()))
        return {str(kind): float(seconds) for kind, seconds in data.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
