"""The kinds of base model, and their parts that a LoRA can change."""

from __future__ import annotations

from typing import Literal

Kind = Literal["sd15", "sdxl"]
Component = Literal["unet", "te", "te1", "te2"]
COMPONENTS: dict[str, tuple[Component, ...]] = {"sd15": ("unet", "te"), "sdxl": ("unet", "te1", "te2")}
