"""One row of a manifest: what a photograph shows, whose it is, and who agreed to its use."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    field_validator,
    model_validator,
)

from dataset_tools.errors import UserError, did_you_mean
from dataset_tools.manifests.places import inner_path
from dataset_tools.manifests.safety import refusal

AGE = Literal["15-17", "18-22", "23-25", "26-30", "31-35"]
POSE = Literal["standing", "sitting", "supine", "prone"]
VIEW = Literal["front", "profile_left", "profile_right", "back"]
EAR_SIDE = Literal["left", "right", "both", "none"]
TYPE = Literal["full", "torso", "bust", "ear"]
OCCLUSION = Literal["none", "hair", "bandage", "accessory"]
CLIENT_CLASS = Literal["clients.back", "clients.torso_full", "clients.portrait", "clients.full"]
UNSET = "unset"
"""The bucket of a row that leaves an optional key out."""
BUCKET_KEYS = (
    "age",
    "pose",
    "view",
    "type",
    "ear_side",
    "occlusion",
    "client_class",
    "skin_tone",
    "ear_shape",
    "lobe",
    "subject",
)


def _plain_hyphen(value: Any) -> Any:
    return value.replace("–", "-") if isinstance(value, str) else value


def _consent_from_id(value: Any) -> Any:
    return {"id": value} if isinstance(value, str) else value


def is_text(value: str) -> bool:
    """Whether ``value`` can be written down: JSON's ``"\\ud83d"`` is half a character."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


class Record(BaseModel):
    """Unknown keys are errors, values keep their types, nothing changes after it was read."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class Consent(Record):
    """The record that says yes. A plain string is read as its id."""

    id: str = Field(min_length=1, pattern=r"\S")
    """What the record is found by."""
    by: Literal["subject", "guardian"] = "subject"
    """Who signed."""


class ManifestRow(Record):
    """One photograph: what it shows, whose it is, and who agreed to its use."""

    image: str
    """Path of the photograph, relative to the manifest's folder, with forward slashes."""
    subject: str = Field(min_length=1, pattern=r"\S")
    """Who is shown: one name or number a person; the held-out split goes by it."""
    consent: Annotated[
        Consent,
        BeforeValidator(
            _consent_from_id,
            json_schema_input_type=Annotated[str, Field(min_length=1, pattern=r"\S")] | Consent,
        ),
    ]
    """The record of consent. A row without one is not trained on."""
    age: Annotated[AGE, BeforeValidator(_plain_hyphen, json_schema_input_type=AGE)]
    """Age bucket in years. 15-17 is a medical case: an ear or a bust, with the guardian's consent."""
    pose: POSE = "standing"
    """How the subject is placed."""
    view: VIEW
    """From where the subject is seen; profile_left shows the left side of the face."""
    type: TYPE
    """How much of the subject is in the picture."""
    ear_side: EAR_SIDE
    """Which ears are in the picture: the subject's own left and right."""
    ear_visible: bool = True
    """Whether the ear can be seen."""
    occlusion: OCCLUSION = "none"
    """What covers the ear."""
    client_class: CLIENT_CLASS | None = None
    """The class that a client's picture is counted with."""
    prompt: str = ""
    """Words for the picture, used where a caption template takes them."""
    negative: str = ""
    """Words against what the picture must not have."""
    mask: str | None = None
    """Path of the mask, relative to the manifest's folder: white is the part to repaint."""
    ear_box: Annotated[tuple[StrictInt, StrictInt, StrictInt, StrictInt] | None, Field(strict=False)] = None
    """x0, y0, x1, y1 in pixels of the upright image."""
    ear_shape: str | None = None
    """Words for the shape of the ear."""
    lobe: str | None = None
    """Words for the lobe."""
    skin_tone: str | None = None
    """Words for the tone of the skin."""
    caption: str | None = None
    """The caption to train with, in place of one made from a template."""
    split: Literal["train", "holdout"] | None = None
    """Whether the picture is trained on or held out, in place of a draw."""
    tags: dict[str, str] = {}
    """Keys of your own, to balance by and to write captions with."""

    @field_validator("image", "mask")
    @classmethod
    def _stays_inside(cls, value: str | None) -> str | None:
        return None if value is None else inner_path(value)

    @field_validator("ear_box")
    @classmethod
    def _has_an_area(cls, box: tuple[int, int, int, int] | None) -> tuple[int, int, int, int] | None:
        if box and (min(box) < 0 or box[0] >= box[2] or box[1] >= box[3]):
            raise ValueError(f"{list(box)} is no box: x0, y0, x1, y1 with 0 <= x0 < x1 and 0 <= y0 < y1")
        return box

    @field_validator("prompt", "negative", "caption", "ear_shape", "lobe", "skin_tone", "tags")
    @classmethod
    def _can_be_written(cls, value: str | dict[str, str] | None) -> str | dict[str, str] | None:
        words = [*value, *value.values()] if isinstance(value, dict) else [value or ""]
        if not all(map(is_text, words)):
            raise ValueError("has half of a character in it, which cannot be written")
        return value

    @field_validator("tags")
    @classmethod
    def _shadows_nothing(cls, tags: dict[str, str]) -> dict[str, str]:
        taken = sorted(set(tags) & set(cls.model_fields))
        if taken:
            raise ValueError(f"{', '.join(taken)} cannot be a tag: it is a field of the row")
        return tags

    @model_validator(mode="after")
    def _is_coherent(self) -> ManifestRow:
        if self.type == "ear" and self.ear_side == "none":
            raise ValueError("type 'ear' needs an ear_side other than 'none'")
        if self.mask == self.image:
            raise ValueError("the mask is the image itself")
        reason = refusal(self)
        if reason:
            raise ValueError(reason)
        return self

    def bucket(self, key: str) -> str:
        """The row's value for a bucket key or one of its tags; `UNSET` when the row leaves it out."""
        if key in BUCKET_KEYS:
            return getattr(self, key) or UNSET
        if key in self.tags:
            return self.tags[key]
        raise UserError(
            f"{self.image}: '{key}' is neither a bucket key nor a tag of the row",
            did_you_mean(key, [*BUCKET_KEYS, *self.tags]) or f"Bucket keys: {', '.join(BUCKET_KEYS)}.",
        )


def choices(field: str) -> tuple[str, ...]:
    """The values that a bucket field allows, empty for a field of free text."""
    return _CHOICES.get(field, ())


_CHOICES: dict[str, tuple[str, ...]] = {
    "age": get_args(AGE),
    "pose": get_args(POSE),
    "view": get_args(VIEW),
    "type": get_args(TYPE),
    "ear_side": get_args(EAR_SIDE),
    "occlusion": get_args(OCCLUSION),
    "client_class": get_args(CLIENT_CLASS),
    "split": ("train", "holdout"),
}
