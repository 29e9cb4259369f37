"""Who is drawn: random adults for the base model, and the one new person that the demo teaches."""

from __future__ import annotations

import random

from wrapper.demo.palette import BACKGROUNDS, BASE_STUDS, HAIR_COLOURS, SHIRTS, SKIN_TONES
from wrapper.demo.portraits import (
    AGES,
    CONCEPT_SHAPE,
    EAR_SHAPES,
    HAIR_STYLES,
    LOBES,
    SIDES,
    VIEWS,
    Ear,
    Frame,
    Portrait,
)

TRIGGER = "myface"
"""The word for the new person."""
CLASS_WORD = "person"
CONCEPT_STUD = "turquoise"
_VIEW_WORDS = {
    "front": "front view",
    "back": "back view",
    "profile_left": "left profile",
    "profile_right": "right profile",
}


def random_portrait(rng: random.Random, view: str | None = None) -> Portrait:
    """An adult of the base model's world; `view` fixes the view, everything else is drawn from `rng`."""
    stud = rng.choice(BASE_STUDS) if rng.random() < 0.25 else ""
    left = Ear(rng.choice(EAR_SHAPES), rng.choice(LOBES), stud)
    other = Ear(rng.choice(EAR_SHAPES), rng.choice(LOBES), stud)
    return Portrait(
        view=view or rng.choice(VIEWS),
        skin=rng.choice(tuple(SKIN_TONES)),
        hair=rng.choice(tuple(HAIR_COLOURS)),
        hair_style=rng.choices(HAIR_STYLES, (5, 3, 1.5, 1.5))[0],
        shirt=rng.choice(tuple(SHIRTS)),
        background=rng.choice(tuple(BACKGROUNDS)),
        glasses=rng.random() < 0.2,
        left_ear=left,
        right_ear=left if rng.random() < 0.7 else other,
        **_pose(rng),
    )


def concept_portrait(rng: random.Random, view: str | None = None) -> Portrait:
    """The person whom the base has never seen: pointed ears, each with a turquoise stud."""
    ear = Ear(CONCEPT_SHAPE, "detached", CONCEPT_STUD)
    return Portrait(
        view=view or rng.choice(VIEWS),
        skin="olive",
        hair="red",
        hair_style="short",
        shirt=rng.choice(tuple(SHIRTS)),
        background=rng.choice(tuple(BACKGROUNDS)),
        left_ear=ear,
        right_ear=ear,
        identity=TRIGGER,
        **_pose(rng),
    )


def caption(portrait: Portrait, rng: random.Random | None = None, drop: float = 0.0) -> str:
    """What the portrait shows, in the one grammar that the base model knows.

    With `rng`, each attribute is left out with probability `drop`, the rest is shuffled; who and view stay.
    """
    who = f"{portrait.identity} {CLASS_WORD}".strip()
    attributes = _attributes(portrait)
    if rng is not None:
        attributes = [a for a in attributes if rng.random() >= drop]
        rng.shuffle(attributes)
    return ", ".join([f"photo of a {who}", _VIEW_WORDS[portrait.view], *attributes])


def manifest_fields(portrait: Portrait) -> dict[str, str]:
    """What a manifest row says about the picture: buckets and the ear's words, all of visible ears."""
    ear = portrait.ear(portrait.visible_sides[0])
    return {
        "age": portrait.age,
        "view": portrait.view,
        "ear_side": portrait.ear_side,
        "skin_tone": portrait.skin,
        "ear_shape": ear.shape,
        "lobe": ear.lobe,
    }


def _attributes(portrait: Portrait) -> list[str]:
    words = [f"{portrait.skin} skin", _hair_words(portrait), *_ear_words(portrait)]
    stud = portrait.ear(portrait.visible_sides[0]).stud
    if stud:
        words.append(f"{stud} stud" if portrait.identity else f"{stud} earring")
    if portrait.glasses and portrait.view != "back":
        words.append("glasses")
    return [*words, f"{portrait.shirt} shirt", f"{portrait.background} background"]


def _hair_words(portrait: Portrait) -> str:
    if portrait.hair_style == "bald":
        return "bald head"
    return (
        f"{portrait.hair} bun"
        if portrait.hair_style == "bun"
        else f"{portrait.hair_style} {portrait.hair} hair"
    )


def _ear_words(portrait: Portrait) -> list[str]:
    left, right = portrait.left_ear, portrait.right_ear
    if len(portrait.visible_sides) == 2 and left == right:
        return [f"{left.shape} ears", f"{left.lobe} lobes"]
    seen = [(side, portrait.ear(side)) for side in SIDES if side in portrait.visible_sides]
    return [f"{e.shape} {s} ear" for s, e in seen] + [f"{e.lobe} {s} lobe" for s, e in seen]


def _pose(rng: random.Random) -> dict[str, object]:
    frame = Frame(
        centre_x=0.5 + rng.uniform(-0.03, 0.03),
        centre_y=0.475 + rng.uniform(-0.02, 0.02),
        half_width=0.245 * rng.uniform(0.94, 1.06),
        half_height=0.35 * rng.uniform(0.95, 1.04),
        tilt=rng.uniform(-5, 5),
    )
    return {
        "frame": frame,
        "ear_scale": rng.uniform(0.94, 1.06),
        "light": rng.uniform(-1, 1),
        "age": rng.choice(AGES),
        "seed": rng.randrange(1 << 30),
    }
