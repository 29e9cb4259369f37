"""What was converted when a LoRA was read, a sentence each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from dataset_tools.wording import count_of
from wrapper.lora.spellings.forms import Form
from wrapper.lora.spellings.parts import ALPHA
from wrapper.lora.spellings.recognise import Recognised
from wrapper.lora.spellings.settings import Settings
from wrapper.lora.spellings.tensor_names import is_wrapped, read_name
from wrapper.safetensors_header import Header

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
    zero: int,
) -> tuple[str, ...]:
    """Sentences on a LoRA that was read; ``forms`` are its modules', of which ``zero`` have alpha 0."""
    counts = Counter(forms)
    notes = _name_notes(found)
    notes += [f"{_FORMS[form].format(count=counts[form])}." for form in _FORMS if counts[form]]
    notes += _alpha_notes(found, header, settings)
    eight = sum(spec.dtype.startswith("F8") for spec in header.tensors.values())
    if eight:
        lifted = count_of(eight, "tensor of 8 bits was", "tensors of 8 bits were")
        notes.append(f"{lifted} lifted to float32, which changes no number.")
    if found.idle:
        idle = count_of(
            len(found.idle), "tensor that changes nothing was", "tensors that change nothing were"
        )
        notes.append(f"{idle} left out.")
    if zero:
        silent = count_of(zero, "module has alpha 0 and changes", "modules have alpha 0 and change")
        notes.append(f"{silent} nothing, though sd-scripts takes the rank.")
    return tuple(notes)


def _name_notes(found: Recognised) -> list[str]:
    own = {name: next(iter(parts.values())) for name, parts in found.modules.items()}
    renamed = sum(not tensor.startswith(f"{name}.") for name, tensor in own.items())
    return (
        [f"{count_of(renamed, 'module was', 'modules were')} renamed ({found.spelling})."] if renamed else []
    )


def _alpha_notes(found: Recognised, header: Header, settings: Settings) -> list[str]:
    missing = [parts for parts in found.modules.values() if ALPHA not in parts and "diff" not in parts]
    own = [name.module for parts in missing if (name := read_name(next(iter(parts.values()))))]
    told = sum(settings.alpha(module, 1) is not None for module in own)
    notes = (
        [f"{count_of(told, 'module has its alpha', 'modules have their alpha')} from PEFT's settings."]
        if told
        else []
    )
    if len(missing) == told:
        return notes
    lost = ", and no adapter_config.json lies beside the file" if any(map(is_wrapped, header.tensors)) else ""
    untold = f"{count_of(len(missing) - told, 'module has', 'modules have')} no alpha{lost}"
    return [*notes, f"{untold}: the rank was taken for it (scale 1), as other programs do."]
