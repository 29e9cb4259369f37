"""Which base model an imported file trains, and of which kind it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataset_tools.errors import UserError
from wrapper.kohya.imports.foreign import Foreign
from wrapper.kohya.options import upstream_options
from wrapper.trainer.option import parse_size

_SDXL_SIDE_PX = 1024
_TITLES = {"sd15": "SD 1.5", "sdxl": "SDXL"}


@dataclass(frozen=True)
class Base:
    """``spec`` goes into ``[base]``, empty where the file names none; ``note`` says what is uncertain."""

    spec: str
    kind: str
    inpaint: bool
    note: str = ""


def find_base(foreign: Foreign, values: Mapping[str, Any]) -> Base:
    """Told from the model where it is here, else from the options."""
    from wrapper.base_model.detect import detect

    kind, named = _kind(foreign, values), str(values.get("pretrained_model_name_or_path") or "")
    path = foreign.find(named)
    if not named or not path.exists():
        note = f"not here: name a folder or a .safetensors file; taken for {_TITLES[kind]}"
        return Base(named, kind, False, note if named else "")
    try:
        base = detect(path)
    except UserError as error:
        return Base(path.absolute().as_posix(), kind, False, error.message.rpartition(": ")[2])
    return Base(path.absolute().as_posix(), base.kind, base.inpaint)


def _kind(foreign: Foreign, values: Mapping[str, Any]) -> str:
    if foreign.program == "kohya_ss" and "sdxl" in foreign.train:
        return "sdxl" if foreign.train["sdxl"] in (True, "True") else "sd15"
    only = set(upstream_options("sdxl_train_network")) - set(upstream_options("train_network"))
    size = parse_size(values.get("resolution")) or (0, 0)
    large = min(size) >= _SDXL_SIDE_PX or "xl" in str(values.get("pretrained_model_name_or_path", "")).lower()
    return "sdxl" if large or any(values.get(key) for key in (*only, "no_half_vae")) else "sd15"
