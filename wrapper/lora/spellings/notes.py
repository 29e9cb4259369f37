"""What was converted when a LoRA was read, a sentence each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from wrapper.lora.spellings.forms import Form
from wrapper.lora.spellings.parts import ALPHA, DOWN
from wrapper.lora.spellings.recognise import Recognised
from wrapper.lora.spellings.settings import Settings
from wrapper.lora.spellings.tensor_names import is_wrapped
from wrapper.safetensors_header import Header

if TYPE_CHECKING:
    from torch import Tensor

_OWN = "Kohya"
_FORMS: Mapping[Form, str] = {
    "Tucker": "{count} Tucker modules were written as plain ones, core and down multiplied",
    "LoHa": "{count} LoHa modules were written as plain ones: their ranks multiply",
    "LoKr": "{count} LoKr modules were written as plain ones",
    "full": "{count} full differences were written as the product of themselves and one",
}


def notes_of(
    found: Recognised,
    header: Header,
    forms: Sequence[Form],
    settings: Settings,
    tensors: Mapping[str, Tensor],
) -> tuple[str, ...]:
    """Sentences on a LoRA that was read; ``forms`` and ``tensors`` are its modules' forms and new tensors."""
    notes = (
        [] if found.spelling == _OWN else [f"{len(found.modules)} modules were renamed ({found.spelling})."]
    )
    counts = Counter(forms)
    notes += [f"{_FORMS[form].format(count=counts[form])}." for form in _FORMS if counts[form]]
    notes += _alpha_notes(found, header, settings)
    eight = sum(spec.dtype.startswith("F8") for spec in header.tensors.values())
    if eight:
        notes.append(f"{eight} tensors of 8 bits were lifted to float32, which changes no number.")
    if found.idle:
        notes.append(f"{len(found.idle)} tensors that change nothing were left out.")
    zero = sum(not tensor for name, tensor in tensors.items() if name.endswith(f".{ALPHA}"))
    if zero:
        notes.append(
            f"{zero} modules have alpha 0 and change nothing (sd-scripts, going on from it, takes the rank)."
        )
    return tuple(notes)


def _alpha_notes(found: Recognised, header: Header, settings: Settings) -> list[str]:
    missing = sum(ALPHA not in parts and "diff" not in parts for parts in found.modules.values())
    if not missing:
        return []
    if settings.configs:
        return [f"{missing} modules have their alpha from PEFT's settings."]
    if any(map(is_wrapped, header.tensors)):
        return [
            f"{missing} modules have no alpha, and no adapter_config.json lies beside the file: "
            "the rank was taken for it (scale 1)."
        ]
    ranks = {header.tensors[parts[DOWN]].shape[0] for parts in found.modules.values() if DOWN in parts}
    if len(ranks) > 1 or found.spelling == _OWN:
        return [
            f"{missing} modules have no alpha: the rank was taken for it (scale 1), as other programs do."
        ]
    return []
