"""What may be done with a photograph of which age. There is no override.

Under 18 is a medical case: an ear close-up or a bust with the guardian's consent, for inpainting the ear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dataset_tools.errors import UserError
from dataset_tools.manifests.prompt_age import asks_for_minor, asks_for_no_adult

if TYPE_CHECKING:
    from dataset_tools.manifests.schema import ManifestRow

Use = Literal["stage_a", "stage_b", "face_lora", "txt2img", "inpaint"]
UNDER_18 = "15-17"
MINOR_TYPES = ("ear", "bust")
MINOR_POSES = ("standing", "sitting")
MINOR_USES = ("stage_b", "inpaint")


def is_minor(row: ManifestRow) -> bool:
    """Whether the row's subject is in the bucket under 18."""
    return row.age == UNDER_18


def refusal(row: ManifestRow) -> str | None:
    """Why the row is not acceptable at all, or None."""
    return _minor_refusal(row) if is_minor(row) else _adult_refusal(row)


def _minor_refusal(row: ManifestRow) -> str | None:
    if row.type not in MINOR_TYPES:
        return f"age {UNDER_18} with type '{row.type}' is refused: under 18, only type ear or bust"
    if row.pose not in MINOR_POSES:
        return f"age {UNDER_18} with pose '{row.pose}' is refused: under 18, only standing or sitting"
    if row.ear_side == "none":
        return f"age {UNDER_18} without an ear is refused: under 18, only the ear is repaired"
    if row.consent.by != "guardian":
        return f'age {UNDER_18} needs the guardian\'s consent: "consent": {{"id": "…", "by": "guardian"}}'
    return None


def _adult_refusal(row: ManifestRow) -> str | None:
    for field in ("prompt", "caption"):
        text = getattr(row, field)
        words = asks_for_minor(text, adult=True) if text else None
        if words:
            return (
                f"the {field} says '{words}' although age is {row.age}: a subject under 18 is age {UNDER_18}"
            )
    return None


def allowed(row: ManifestRow, use: Use) -> bool:
    """Whether the row may serve for ``use``: under 18 only Stage B and the inpainting of an ear."""
    if refusal(row):
        return False
    return use in MINOR_USES if is_minor(row) else True


def refuse_prompt(prompt: str) -> None:
    """UserError when a txt2img prompt asks for a person under 18. Not for negative prompts."""
    words = asks_for_minor(prompt)
    if words:
        raise UserError(
            f"prompt refused: '{words}' asks for a person under 18.",
            "Pictures of people are made of adults only. Say woman or man, or an age of 18 or more.",
        )


def refuse_negative(negative: str) -> None:
    """UserError when a negative prompt keeps adults away, which asks for somebody younger."""
    words = asks_for_no_adult(negative)
    if words:
        raise UserError(
            f"negative prompt refused: '{words}' keeps adults away.",
            "Pictures of people are made of adults only.",
        )
