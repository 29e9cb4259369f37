"""What the base model's codec can show at best: the ceiling of everything that the demo measures."""

from __future__ import annotations

import random
from pathlib import Path

from diffusers import AutoencoderKL

from wrapper.demo.drawings import Drawings, base_drawings, draw_many
from wrapper.demo.people import concept_portrait
from wrapper.demo.train_vae import quality
from wrapper.demo.training import mask_to_tensor, to_tensor


def vae_quality(folder: Path, seed: int, count: int) -> dict[str, dict[str, float]]:
    """PSNR of encode and decode on `count` held-out drawings of the base's people, and of the new one's."""
    vae = AutoencoderKL.from_pretrained(folder).eval()
    rng = random.Random(seed + 5)
    concept = draw_many([concept_portrait(rng) for _ in range(count)], rng)
    return {"base": _measure(vae, base_drawings(count, seed + 2)), "concept": _measure(vae, concept)}


def _measure(vae: AutoencoderKL, drawings: Drawings) -> dict[str, float]:
    figures = quality(vae, to_tensor(drawings.pictures), mask_to_tensor(drawings.masks))
    return {name: round(value, 2) for name, value in figures.items()}
