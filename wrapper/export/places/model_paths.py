"""ComfyUI's ``extra_model_paths.yaml``: further folders for its LoRAs, read as ComfyUI reads them.

Source of the rules: ComfyUI 0.3.64, ``utils/extra_config.py`` and ``folder_paths.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dataset_tools.data_text import bounded_text
from dataset_tools.errors import UserError

FILE = "extra_model_paths.yaml"
OWN_FOLDER = "models/loras"
_HINT = f"Mend it as ComfyUI's {FILE}.example shows, or give the LoRA folder itself with --dest."


class LoraFolder(NamedTuple):
    """A folder that ComfyUI searches for LoRAs; ``section`` is the YAML section that names it, or empty."""

    path: Path
    section: str = ""


def lora_folders(comfyui: Path) -> list[LoraFolder]:
    """Every LoRA folder, in the order in which ComfyUI searches them; raises `UserError` for a broken file.

    Sections that say ``is_default`` come before ComfyUI's own folder, the others behind it.
    """
    folders = [LoraFolder(comfyui / OWN_FOLDER)]
    for folder, is_default in _extra(comfyui / FILE):
        known = next((one for one in folders if one.path == folder.path), None)
        if is_default:
            folders = [folder, *(one for one in folders if one is not known)]
        elif known is None:
            folders.append(folder)
    return folders


def _extra(file: Path) -> Iterator[tuple[LoraFolder, bool]]:
    for section, settings in _sections(file).items():
        if settings is None:
            continue
        if not isinstance(settings, dict):
            raise UserError(f"{file} [{section}]: is not a table of folders.", _HINT)
        lines, base = settings.get("loras") or "", settings.get("base_path")
        if not isinstance(lines, str) or not isinstance(base, str | None):
            raise UserError(f"{file} [{section}]: loras and base_path must be text.", _HINT)
        for line in filter(None, lines.split("\n")):
            yield LoraFolder(_folder(file, base, line), str(section)), bool(settings.get("is_default"))


def _folder(file: Path, base: str | None, line: str) -> Path:
    """``~`` and variables count in ``base_path`` alone; what is relative is so to the YAML file."""
    start = file.absolute().parent
    if base:
        start = start / os.path.expandvars(os.path.expanduser(base))  # noqa: PTH111 - Path's may raise
    return Path(os.path.normpath(start / line))


def _sections(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    import yaml

    try:
        data = yaml.safe_load(bounded_text(file))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{file}: cannot be read ({_one_line(error)}).", _HINT) from error
    if not isinstance(data, dict | None):
        raise UserError(f"{file}: has no sections.", _HINT)
    return data or {}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
