"""From a portrait to pixels: `draw`."""

from __future__ import annotations

import random

import numpy as np

from wrapper.demo.canvas import Canvas, Pixels, Points, turned
from wrapper.demo.ears import draw_ear, ear_region
from wrapper.demo.heads import Head, draw_back, draw_body, draw_front, draw_hair_behind, draw_profile
from wrapper.demo.palette import BACKGROUNDS, HAIR_COLOURS, SHIRTS, SKIN_TONES, jitter
from wrapper.demo.portraits import Frame, Portrait

EAR_HEIGHT = 0.385
"""Half the height of an ear over half the height of a head."""
PROFILE_ENLARGEMENT = 1.06


def draw(portrait: Portrait, size: int = 64) -> tuple[Pixels, dict[str, Pixels]]:
    """The picture (size, size, 3) RGB, and each visible ear's mask (size, size), 0 or 255."""
    rng = random.Random(portrait.seed)
    canvas = Canvas(size, jitter(BACKGROUNDS[portrait.background], rng, 6))
    skin = jitter(SKIN_TONES[portrait.skin], rng, 5)
    hair = jitter(HAIR_COLOURS[portrait.hair], rng, 6)
    head = Head(canvas, portrait.frame, skin, hair, facing(portrait.view))
    profile = portrait.view.startswith("profile")
    draw_hair_behind(head, portrait.hair_style, profile)
    draw_body(head, jitter(SHIRTS[portrait.shirt], rng, 8))
    _draw_head_and_ears(head, portrait, profile)
    centre = (portrait.frame.centre_x, portrait.frame.centre_y)
    canvas.turn(centre, portrait.frame.tilt)
    regions = {side: region(portrait.view, side, portrait.frame) for side in portrait.visible_sides}
    return canvas.picture(), {side: canvas.region(points) for side, points in regions.items()}


def region(view: str, side: str, frame: Frame) -> Points:
    """The polygon to repaint for the ear on `side`; it depends on the head alone, never on the ear."""
    profile = view.startswith("profile")
    root, half_height, outward = _placement(view, side, frame)
    points = ear_region(root, half_height, outward, profile)
    return turned(points, (frame.centre_x, frame.centre_y), frame.tilt)


def facing(view: str) -> int:
    """-1 where the nose points to the picture's left, else 1."""
    return -1 if view == "profile_left" else 1


def _draw_head_and_ears(head: Head, portrait: Portrait, profile: bool) -> None:
    if profile:
        draw_profile(head, portrait.hair_style, portrait.glasses)
    for side in portrait.visible_sides:
        root, half_height, outward = _placement(portrait.view, side, portrait.frame)
        size = half_height * portrait.ear_scale
        draw_ear(head.canvas, portrait.ear(side), root, size, outward, head.skin, profile)
    if portrait.view == "front":
        draw_front(head, portrait.hair_style, portrait.glasses, portrait.light)
    if portrait.view == "back":
        draw_back(head, portrait.hair_style)


def _placement(view: str, side: str, frame: Frame) -> tuple[Points, float, int]:
    """Where an ear is attached, half its height, and the direction (+1 or -1) in which it grows."""
    half_height = EAR_HEIGHT * frame.half_height
    level = frame.centre_y + 0.05 * frame.half_height
    if view.startswith("profile"):
        outward = -facing(view)
        root = np.array([frame.centre_x + outward * 0.02 * frame.half_width, level])
        return root, half_height * PROFILE_ENLARGEMENT, outward
    outward = 1 if (side == "left") == (view == "front") else -1
    return np.array([frame.centre_x + outward * 0.96 * frame.half_width, level]), half_height, outward
