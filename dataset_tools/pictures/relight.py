"""Re-lit copies: the same picture under a slightly different light, nothing clipped, nothing moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

STOPS = (0.1, 0.4)
"""How much less light falls in, in stops (halvings)."""
GAMMA = (0.8, 1.25)
"""Exponent of the light: under 1 lifts the middle tones, over 1 lowers them; black and white stay."""
WARMTH = (-0.06, 0.06)
"""Red up and blue down by this part of the light, or the other way."""


@dataclass(frozen=True)
class Light:
    """What is done to linear light: dimmed by ``stops``, raised to ``gamma``, tinted by ``warmth``."""

    stops: float
    gamma: float
    warmth: float


def light_for(seed: int) -> Light:
    """A gentle light, the same for the same seed: each value uniform over its range."""
    import numpy as np

    rng = np.random.default_rng(seed)
    return Light(*(round(float(rng.uniform(*limits)), 4) for limits in (STOPS, GAMMA, WARMTH)))


def relit(rgb: np.ndarray, light: Light) -> np.ndarray:
    """uint8 [H, W, 3] under ``light``; the changes are made in linear light (sRGB, IEC 61966-2-1)."""
    import numpy as np

    gains = np.array([1 + light.warmth, 1.0, 1 - light.warmth])
    gains *= 2.0**-light.stops / gains.max()
    tones = _linear(np.arange(256) / 255.0) ** light.gamma
    table = np.round(255 * _encoded(gains[:, None] * tones)).astype(np.uint8)
    return np.stack([table[channel][rgb[..., channel]] for channel in range(3)], axis=-1)


def _linear(encoded: np.ndarray) -> np.ndarray:
    """sRGB values from 0 to 1 → light. Worked: 0.5 → 0.214."""
    import numpy as np

    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _encoded(light: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
