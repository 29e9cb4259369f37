"""Everything that one picture of a comparison hangs on, besides the base model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wrapper.diffusion.pipelines.sampling import Sampling
from wrapper.diffusion.prompts.lora_tags import take_tags
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.lora.apply import LoraUse


@dataclass(frozen=True)
class Look:
    """``loras`` are those that the prompt's own tags do not name; ``bare`` is the base without either."""

    prompt: Prompt
    sampling: Sampling = field(default_factory=Sampling)
    loras: tuple[LoraUse, ...] = ()
    bare: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(use.path for use in self.loras)

    @property
    def weights(self) -> tuple[tuple[float, float], ...]:
        """Of each LoRA, for the U-Net and for the text encoders."""
        return tuple((use.weight_of("unet"), use.weight_of("te")) for use in self.loras)


def resolved(look: Look, folders: Sequence[Path]) -> Look:
    """``look`` with the LoRAs of its prompt's tags among ``loras``, and no tag in the text.

    Raises `UserError` for a tag whose LoRA is not in ``folders``.
    """
    text, tagged = take_tags(look.prompt.text, folders)
    loras = () if look.bare else (*look.loras, *tagged)
    return replace(look, prompt=replace(look.prompt, text=text), loras=loras, bare=False)
