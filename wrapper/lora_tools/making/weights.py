"""``FILE[:WEIGHT[:TE_WEIGHT]]``: a LoRA and how strongly it goes into a merge."""

from __future__ import annotations

import math
from pathlib import Path

from dataset_tools.errors import UserError
from wrapper.lora.apply import LoraUse

_MOST_NUMBERS = 2


def parse_weighted(text: str) -> LoraUse:
    """The file and its weights; without numbers 1, and one number is for the text encoders too.

    A file that is there under the whole of ``text`` is that file. Raises `UserError` for infinite weights.
    """
    name, numbers = text, []
    while len(numbers) < _MOST_NUMBERS and not Path(name).exists():
        head, _, tail = name.rpartition(":")
        weight = _number(tail)
        if not head or weight is None:
            break
        name, numbers = head, [weight, *numbers]
    if not all(map(math.isfinite, numbers)):
        raise UserError(f"{text}: a weight must be finite.", "Write FILE:WEIGHT, such as a.safetensors:0.8.")
    return LoraUse(Path(name).expanduser(), *numbers)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
