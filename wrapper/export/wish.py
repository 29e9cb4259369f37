"""How one LoRA is to be delivered, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dataset_tools.errors import UserError
from dataset_tools.manifests.safety import refuse_negative, refuse_prompt
from wrapper.export.places.names import check_name
from wrapper.export.targets import Precision, Use

WorkflowName = Literal["txt2img", "inpaint", "inpaint_plain"]
"""``inpaint`` is for an inpainting checkpoint (9 channels), ``inpaint_plain`` for any other (4)."""
MAX_WEIGHT = 100
WORKFLOWS: tuple[WorkflowName, ...] = ("txt2img", "inpaint", "inpaint_plain")


@dataclass(frozen=True)
class Wish:
    """``uses``: what it was trained for, empty when nothing says so; ``weight``: the preferred one.

    ``origin`` says which of a run's checkpoints the source is, and why that one.
    ``preview`` is a picture made with it; ``example`` an image and its mask (white: repaint) to inpaint.
    ``checkpoints`` are the file names of base models that the workflows name.
    """

    source: Path
    name: str
    uses: tuple[Use, ...] = ("txt2img", "inpaint")
    workflows: tuple[WorkflowName, ...] = WORKFLOWS
    precision: Precision = "fp16"
    trigger: str = ""
    description: str = ""
    prompt: str = ""
    negative: str = ""
    notes: str = ""
    weight: float = 1.0
    sampler: str = "Euler a"
    steps: int = 40
    cfg: float = 5.0
    strength: float = 1.0
    seed: int = 1
    size_px: int = 0
    checkpoints: dict[Use, str] = field(default_factory=dict)
    origin: str = ""
    preview: Path | None = None
    example: tuple[Path, Path] | None = None

    def check(self) -> None:
        """Raise `UserError` for a name, a weight or words that no program takes, or that ask for a child."""
        check_name(self.name)
        if not 0 < abs(self.weight) <= MAX_WEIGHT:  # A1111 takes 0 for none, and its own default then
            raise UserError(f"--weight {self.weight}: is no weight.", f"Give one up to {MAX_WEIGHT}, not 0.")
        for text in (self.trigger, self.description, self.negative, self.notes, self.prompt):
            if any("\ud800" <= letter <= "\udfff" for letter in text):
                raise UserError(f"{text!a}: has half characters in it.", "Give it as UTF-8 text.")
        if "txt2img" in self.workflows:
            refuse_prompt(self.prompt or self.trigger)
            refuse_negative(self.negative)

    @property
    def own_files(self) -> list[Path]:
        """The user's files that this is made from."""
        return [self.source, *([self.preview] if self.preview else []), *(self.example or ())]
