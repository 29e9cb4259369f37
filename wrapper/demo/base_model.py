"""The tiny base model that is shipped with the package, and complete diffusers folders made from it."""

from __future__ import annotations

import filecmp
import json
import shutil
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.files import whole_folder, write_json

SHARED = ("vae", "text_encoder", "tokenizer", "scheduler")
INPAINT_CLASS = "StableDiffusionInpaintPipeline"
_INDEX = "model_index.json"


def base_folder() -> Path:
    """The folder of the shipped weights: vae, text_encoder, tokenizer, scheduler, unet, unet_inpaint."""
    return Path(__file__).resolve().parent / "base"


def materialise(dest: Path) -> tuple[Path, Path]:
    """Make `dest/tiny` (txt2img) and `dest/tiny-inpaint` (9 channels), which diffusers can load as they are.

    Both appear whole; folders that are already right are left alone. Raises UserError where the weights are
    missing.
    """
    source = base_folder()
    if not (source / _INDEX).is_file():
        raise UserError(
            f"the demo's base model is missing: {source}",
            "Reinstall the package, or make the model anew: python -m wrapper.demo.make_base",
        )
    index = json.loads((source / _INDEX).read_text(encoding="utf-8"))
    plain = _folder(source, dest / "tiny", index, "unet")
    inpaint = _folder(source, dest / "tiny-inpaint", {**index, "_class_name": INPAINT_CLASS}, "unet_inpaint")
    return plain, inpaint


def _folder(source: Path, target: Path, index: dict[str, object], unet: str) -> Path:
    parts = {part: source / part for part in SHARED} | {"unet": source / unet}
    if _up_to_date(target, parts, index):
        return target
    with whole_folder(target) as building:
        for name, part in parts.items():
            shutil.copytree(part, building / name, copy_function=shutil.copyfile)
        write_json(building / _INDEX, index)
    return target


def _up_to_date(target: Path, parts: dict[str, Path], index: dict[str, object]) -> bool:
    """Whether `target` holds exactly the files of `parts`, byte for byte, and `index`."""
    if not (target / _INDEX).is_file() or _read(target / _INDEX) != index:
        return False
    for name, part in parts.items():
        names = sorted(path.name for path in part.iterdir())
        folder = target / name
        if not folder.is_dir() or sorted(path.name for path in folder.iterdir()) != names:
            return False
        if filecmp.cmpfiles(part, folder, names, shallow=False)[0] != names:
            return False
    return True


def _read(path: Path) -> object:
    """The JSON in `path`, or None where it is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
