"""Which script two files are for, where nobody says."""

from __future__ import annotations

from pathlib import Path

from dataset_tools.errors import UserError
from wrapper.kohya.located import read_located
from wrapper.kohya.pages import flatten
from wrapper.trainer.options import EXTENSIONS


def guess_script(train_toml: Path) -> str:
    """By the base model's kind if it is here, else by the keys; ``train_network`` at last."""
    from wrapper.base_model.detect import detect

    values = flatten(read_located(train_toml).data)
    otherwise = "train_network_inpaint" if any(key in values for key in EXTENSIONS) else "train_network"
    path = Path(str(values.get("pretrained_model_name_or_path", "")))
    if not path.is_absolute() or not path.exists():
        return otherwise
    try:
        base = detect(path)
    except UserError:
        return otherwise
    if base.inpaint:
        return "train_network_inpaint"
    return "sdxl_train_network" if base.kind == "sdxl" else "train_network"
