"""What is asked for, from whichever place: one prompt and the settings that stand beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wrapper.diffusion.txt2img.hires import Hires

if TYPE_CHECKING:
    from wrapper.lora.apply import LoraUse


@dataclass(frozen=True)
class Wish:
    """A prompt; None for every setting that is left to others.

    ``firm`` settings, of a line in a prompt file, come before the command line's; those of a preset or of a
    picture come after them. ``loras`` are those of a picture's own tags; None for those in ``text``.
    """

    text: str
    negative: str | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    sampler: str | None = None
    steps: int | None = None
    cfg: float | None = None
    clip_skip: int | None = None
    hires: Hires | None = None
    loras: tuple[LoraUse, ...] | None = None
    firm: bool = False
