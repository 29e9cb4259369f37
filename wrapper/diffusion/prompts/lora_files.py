"""LoRA files by the names that prompts call them: file name, path below a folder, or their own alias."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from dataset_tools.errors import UserError, did_you_mean
from dataset_tools.system.left_by_systems import is_systems_own

SUFFIX = ".safetensors"
DEEPEST = 3
"""Levels of folders that are searched below a given one."""
MANY = 12


def find_lora(name: str, folders: Sequence[Path], where: str) -> Path:
    """The one LoRA file called ``name``. ``where`` begins the message.

    First the files that lie in ``folders`` themselves, then those in their subfolders (also as
    ``sub/name``), then aliases (``ss_output_name``). Raises `UserError` when there is none, with the nearest
    names, and when there are several.
    """
    found = [path for folder in folders for path in _files(folder, 0) if path.stem == name]
    if not found:
        below = {path: folder for folder in folders for path in _files(folder, DEEPEST)}
        found = [path for path, folder in below.items() if name in _names(path, folder)]
        found = found or [path for path in below if _alias(path) == name]
        if not found:
            raise _missing(name, list(below), folders, where)
    different = list({path.resolve(): path for path in found}.values())
    if len(different) > 1:
        listed = ", ".join(str(path) for path in different)
        raise UserError(
            f"{where}: several LoRA files have that name: {listed}.",
            "Call it by its folder, <lora:folder/name:1>, or give the file with --lora FILE:WEIGHT.",
        )
    return different[0]


def _names(path: Path, folder: Path) -> tuple[str, str]:
    return path.stem, path.relative_to(folder).with_suffix("").as_posix()


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """LoRA files in ``folder`` and ``depth`` levels below, in order; hidden folders are passed by."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:  # not there, or not ours to read: nothing is called so there
        return
    for entry in entries:
        if entry.name.endswith(SUFFIX) and entry.is_file() and not is_systems_own(entry.name):
            yield folder / entry.name
        elif depth and entry.is_dir() and not entry.name.startswith("."):
            yield from _files(folder / entry.name, depth - 1)


def _alias(path: Path) -> str | None:
    from wrapper.safetensors_header import read_header

    try:
        return read_header(path).metadata.get("ss_output_name")
    except UserError:  # another file's damage is told when that file is used
        return None


def _missing(name: str, others: Sequence[Path], folders: Sequence[Path], where: str) -> UserError:
    looked = ", ".join(str(folder) for folder in folders)
    aliases = [alias for path in others if (alias := _alias(path))]
    known = sorted({path.stem for path in others} | set(aliases))
    there = f"There are: {', '.join(known[:MANY])}{', …' if len(known) > MANY else ''}." if known else ""
    hint = did_you_mean(name, known) or there
    return UserError(
        f"{where}: there is no LoRA '{name}' in {looked}.",
        f"{hint} Or give the file with --lora FILE:WEIGHT.".strip(),
    )
