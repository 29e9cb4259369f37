"""``dataset_tools/pictures/mask_variants.py``, loaded by its place: lorawrap is not in this environment.

The file is the only home of what a mask's variants look like; both trainers use it.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from inpaint.refusal import RefusedError

_FILE = Path("dataset_tools", "pictures", "mask_variants.py")
_NAME = "inpaint_mask_variants"


def _load() -> ModuleType:
    vendor = Path(__file__).resolve().parents[1]
    found = [root / _FILE for root in (vendor.parent, vendor.parent.parent) if (root / _FILE).is_file()]
    if not found:
        raise RefusedError(
            f"{vendor}: {_FILE} of lorawrap is not beside it; keep vendor/ where it was installed."
        )
    spec = importlib.util.spec_from_file_location(_NAME, found[0])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = module
    spec.loader.exec_module(module)
    return module


_module = _load()
MaskChange, Variant = _module.MaskChange, _module.Variant
choose, pool, vary = _module.choose, _module.pool, _module.vary
REPAINT: int = _module.REPAINT
