"""Which script two files are for, where nobody says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from wrapper.kohya.located import read_located, with_suffix
from wrapper.kohya.options import upstream_options
from wrapper.kohya.pages import flatten
from wrapper.trainer.options import EXTENSIONS

_XL = re.compile(r"sd-?_?xl|diffusion-xl|xl-base", re.IGNORECASE)


def guess_script(train_toml: Path) -> str:
    """By the base model's kind if it is here, else by its name and the keys; ``train_network`` at last."""
    from wrapper.base_model.detect import detect

    values = flatten(read_located(with_suffix(train_toml)).data)
    name = str(values.get("pretrained_model_name_or_path", ""))
    otherwise = _by_words(name, values)
    if not name or not Path(name).exists():
        return otherwise
    try:
        base = detect(Path(name))
    except UserError:
        return otherwise
    if base.inpaint:
        return "train_network_inpaint"
    return "sdxl_train_network" if base.kind == "sdxl" else "train_network"


def _by_words(name: str, values: Mapping[str, Any]) -> str:
    if any(key in values for key in EXTENSIONS):
        return "train_network_inpaint"
    only = set(upstream_options("sdxl_train_network")) - set(upstream_options("train_network"))
    return "sdxl_train_network" if only & set(values) or _XL.search(name) else "train_network"
