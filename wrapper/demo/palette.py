"""The colours that the drawings are made of: one table per thing, RGB 0-255."""

from __future__ import annotations

import random

RGB = tuple[int, int, int]

SKIN_TONES: dict[str, RGB] = {
    "fair": (248, 220, 206),
    "light beige": (236, 196, 164),
    "warm beige": (216, 166, 122),
    "olive": (184, 146, 98),
    "medium tan": (158, 106, 72),
    "deep warm": (96, 60, 42),
}
HAIR_COLOURS: dict[str, RGB] = {
    "black": (34, 30, 34),
    "brown": (72, 44, 30),
    "blond": (220, 182, 98),
    "red": (166, 66, 34),
    "grey": (156, 156, 160),
}
SHIRTS: dict[str, RGB] = {
    "red": (184, 44, 48),
    "blue": (46, 84, 172),
    "green": (50, 126, 76),
    "black": (40, 40, 46),
    "white": (234, 234, 230),
    "yellow": (226, 188, 58),
}
BACKGROUNDS: dict[str, RGB] = {
    "grey": (158, 160, 166),
    "blue": (132, 168, 208),
    "green": (148, 186, 148),
    "beige": (224, 210, 184),
    "white": (243, 243, 241),
    "dark": (60, 62, 72),
}
STUDS: dict[str, RGB] = {
    "gold": (236, 186, 40),
    "silver": (210, 212, 220),
    "turquoise": (20, 214, 214),
    "ruby": (214, 24, 56),
    "emerald": (16, 160, 72),
    "sapphire": (36, 60, 214),
    "amethyst": (160, 60, 206),
    "coral": (250, 120, 84),
}
BASE_STUDS = ("gold", "silver")
"""The only studs that the base model learns; the others are for the codec and for the new concept."""

EYE_WHITE: RGB = (250, 250, 248)
IRIS: RGB = (50, 40, 38)
FRAME: RGB = (30, 30, 36)


def shade(colour: RGB, factor: float) -> RGB:
    """`colour` times `factor`, clipped to 0-255."""
    red, green, blue = (min(255, max(0, round(value * factor))) for value in colour)
    return red, green, blue


def jitter(colour: RGB, rng: random.Random, amount: float) -> RGB:
    """`colour` made lighter or darker by up to `amount`, and each channel by 2 more."""
    step = rng.uniform(-amount, amount)
    red, green, blue = (min(255, max(0, round(v + step + rng.uniform(-2, 2)))) for v in colour)
    return red, green, blue


def lips(skin: RGB) -> RGB:
    """A lip colour that can be seen on `skin`."""
    return (172, 82, 84) if sum(skin) > 380 else (124, 58, 60)
