"""The kinds of base model, and their parts that a LoRA can change."""

from __future__ import annotations

from typing import Literal

Kind = Literal["sd15", "sdxl"]
Component = Literal["unet", "te", "te1", "te2"]
COMPONENTS: dict[str, tuple[Component, ...]] = {"sd15": ("unet", "te"), "sdxl": ("unet", "te1", "te2")}
_TEXT_WIDTHS = {768: "SD 1.5", 1024: "SD 2", 2048: "SDXL"}


def base_title(text_width: int | None) -> str:
    """The kind of base whose U-Net takes text of this width: ``2048`` → ``SDXL (text of 2048 numbers)``."""
    title = _TEXT_WIDTHS.get(text_width or 0, "a base")
    return f"{title} (text of {text_width} numbers)"
