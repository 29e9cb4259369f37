"""The end of a tensor's name: which part of an update it is, in every program's words.

Sources: sd-scripts ``networks/lora.py``, ``oft.py``; LyCORIS ``modules/`` (``weight_list``); peft 0.21
``utils/save_and_load.py``; diffusers 0.42.1 ``utils/state_dict_utils.py``; ComfyUI 0.3.64
``weight_adapter/``; OneTrainer ``util/convert_util.py``; ai-toolkit ``toolkit/network_mixins.py``.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

DOWN, UP, MID, ALPHA = "lora_down.weight", "lora_up.weight", "lora_mid.weight", "alpha"
FACTORS = ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2")
FACTORS += ("lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2")
_BARE = ("diff", "w_norm", "b_norm", "set_weight", "reshape_weight", "scale", "scalar", "on_input", "rescale")
ASIDE = frozenset({ALPHA, "scale", "scalar", "on_input", "rescale"})
"""Parts whose names other models' tensors have, too: alone they make no LoRA."""
_ADAPTER = r"(?:\.[\w-]+)?"
"""The name of an adapter, which PEFT puts in while it trains."""
_PARTS: tuple[tuple[str, str], ...] = (
    (rf"lora_A{_ADAPTER}\.weight|lora_A", DOWN),
    (rf"lora_B{_ADAPTER}\.weight|lora_B", UP),
    (r"(?:lora|lora_linear_layer)\.down\.weight|lora_down\.weight", DOWN),
    (r"(?:lora|lora_linear_layer)\.up\.weight|lora_up\.weight", UP),
    (r"lora_mid\.weight", MID),
    (r"alpha", ALPHA),
    (rf"dora_scale|magnitude|lora_magnitude_vector{_ADAPTER}(?:\.weight)?", "dora_scale"),
    (rf"lora_B{_ADAPTER}\.bias|lora_up\.bias|diff_b", "diff_b"),
    (rf"lora_embedding_[AB]{_ADAPTER}", "lora_embedding"),
    (rf"(?:lora_E|ranknum){_ADAPTER}", "lora_E"),
    *((f"{name}{_ADAPTER}", name) for name in FACTORS),
    *((name, name) for name in _BARE),
    *((rf"{name}\.weight", f"{name}.weight") for name in ("a1", "a2", "b1", "b2", "bm")),
    (r"oft_(?:blocks|diag)|b?oft_[rRsS](?:\.[\w-]+){0,2}", "oft"),
    (rf"vera_lambda_[bd]{_ADAPTER}|ia3_l{_ADAPTER}", "base"),
)
_FORMS = tuple((re.compile(form), part) for form, part in _PARTS)
_LONGEST = 3
_PROCESSOR = re.compile(
    r"(?P<module>.+?)(?:\.processor)?\.(?P<short>to_(?:q|k|v|out))_lora\.(?P<side>down|up)\.weight"
)


class Split(NamedTuple):
    """A name cut in two: the layer, and the part by Kohya's or LyCORIS' name; ``tail`` is its own."""

    module: str
    part: str
    tail: str


def split_part(name: str) -> Split | None:
    """Cut a tensor's name; None when its end is no part that is known.

    >>> split_part("mid_block.attentions.0.proj_in.lora_A.default.weight")[:2]
    ('mid_block.attentions.0.proj_in', 'lora_down.weight')
    """
    if match := _PROCESSOR.fullmatch(name):
        part = DOWN if match["side"] == "down" else UP
        return Split(f"{match['module']}.{match['short']}", part, "processor")
    pieces = name.split(".")
    for count in range(min(_LONGEST, len(pieces) - 1), 0, -1):
        tail = ".".join(pieces[-count:])
        if part := _known(tail):
            return Split(".".join(pieces[:-count]), part, tail)
    return None


@cache
def _known(tail: str) -> str | None:
    return next((part for form, part in _FORMS if form.fullmatch(tail)), None)
