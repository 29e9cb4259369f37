"""A portrait as data, and the picture and ear masks that belong to it.

Left and right are the subject's: in a front view the left ear is on the picture's right.
"""

from __future__ import annotations

from dataclasses import dataclass, field

VIEWS = ("front", "profile_left", "profile_right", "back")
SIDES = ("left", "right")
EAR_SHAPES = ("protruding", "average", "flat")
CONCEPT_SHAPE = "pointed"
"""An ear shape that no base portrait has: it is what the demo teaches."""
LOBES = ("attached", "detached", "small")
HAIR_STYLES = ("short", "long", "bun", "bald")
AGES = ("18-22", "23-25", "26-30", "31-35")
"""The age buckets that are drawn: adults only."""


@dataclass(frozen=True)
class Ear:
    """One ear. `stud` is a colour of `palette.STUDS`, or empty for a bare lobe."""

    shape: str = "average"
    lobe: str = "detached"
    stud: str = ""


@dataclass(frozen=True)
class Frame:
    """Where the head is: centre and half axes in parts of the picture's side, tilt in degrees."""

    centre_x: float = 0.5
    centre_y: float = 0.475
    half_width: float = 0.245
    half_height: float = 0.35
    tilt: float = 0.0


@dataclass(frozen=True)
class Portrait:
    """Everything that a drawing shows. The same portrait gives the same pixels."""

    view: str = "front"
    skin: str = "light beige"
    hair: str = "brown"
    hair_style: str = "short"
    shirt: str = "blue"
    background: str = "grey"
    glasses: bool = False
    left_ear: Ear = field(default_factory=Ear)
    right_ear: Ear = field(default_factory=Ear)
    age: str = "26-30"
    identity: str = ""
    frame: Frame = field(default_factory=Frame)
    ear_scale: float = 1.0
    light: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.age not in AGES:
            raise ValueError(f"age {self.age!r}: only adults are drawn, {', '.join(AGES)}")
        if self.view not in VIEWS:
            raise ValueError(f"view {self.view!r} is not one of {', '.join(VIEWS)}")

    def ear(self, side: str) -> Ear:
        """The ear on the subject's `side`, "left" or "right"."""
        return self.left_ear if side == "left" else self.right_ear

    @property
    def visible_sides(self) -> tuple[str, ...]:
        """The sides whose ears can be seen."""
        return {"profile_left": ("left",), "profile_right": ("right",)}.get(self.view, SIDES)

    @property
    def ear_side(self) -> str:
        """The manifest's ear side: left, right or both."""
        return "both" if len(self.visible_sides) == 2 else self.visible_sides[0]
