"""Where in a program's folder the files go: ``--dest`` is that folder, or its LoRA folder itself."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dataset_tools.errors import UserError, nearest
from wrapper.export.places.model_paths import FILE, OWN_FOLDER, lora_folders
from wrapper.export.places.names import check_name
from wrapper.export.targets import TARGETS, TargetName


@dataclass(frozen=True)
class Place:
    """One target's folders: ``root`` is the program's own, ``loras`` where it looks for LoRAs.

    ``subfolder`` (with ``/``) lies below ``loras``; ``notes`` are sentences for the user.
    """

    target: TargetName
    root: Path
    loras: Path
    subfolder: str = ""
    notes: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where this LoRA goes."""
        return self.loras / self.subfolder


def own_place(target: TargetName, root: Path, subfolder: str = "") -> Place:
    """A folder of ours in the target's shape, whatever lies in it."""
    return Place(target, root, root / TARGETS[target].lora_folder, check_subfolder(subfolder))


def find_place(target: TargetName, dest: Path, subfolder: str = "") -> Place:
    """Where ``dest`` leads. Raises `UserError` where it is plainly not the folder that was meant."""
    within, dest = check_subfolder(subfolder), Path(os.path.normpath(dest.absolute()))
    if dest.exists() and not dest.is_dir():
        raise UserError(f"{dest}: is not a folder.", f"Give {TARGETS[target].title}'s folder with --dest.")
    lora_folder = _lora_folder_above(target, dest)
    if lora_folder is not None:
        root = lora_folder.parent.parent
        below = PurePosixPath(dest.relative_to(lora_folder).as_posix(), within)
        if not lora_folder.is_dir():
            _refuse_mistaken(target, root)
        return Place(target, root, lora_folder, "/".join(below.parts))
    _refuse_mistaken(target, dest)
    notes = _what_it_is(target, dest)
    if target != "comfyui":
        return Place(target, dest, dest / TARGETS[target].lora_folder, within, notes)
    loras, why = _comfyui_loras(dest)
    return Place(target, dest, loras, within, notes + why)


def check_subfolder(subfolder: str) -> str:
    """``people/faces`` with each part a name that works; raises `UserError` otherwise."""
    path = PurePosixPath(subfolder.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise UserError(
            f"--subfolder {subfolder}: is not a folder below the LoRA folder.",
            "Give one like people/faces.",
        )
    for part in path.parts:
        check_name(part, "--subfolder")
    return "/".join(path.parts)


def _lora_folder_above(target: TargetName, dest: Path) -> Path | None:
    """``…/models/Lora`` when ``dest`` is that folder or one within it."""
    wanted = TARGETS[target].lora_folder.casefold()
    if not wanted:
        return None
    for folder in (dest, *dest.parents):
        if f"{folder.parent.name}/{folder.name}".casefold() == wanted:
            return folder
    return None


def _refuse_mistaken(target: TargetName, dest: Path) -> None:
    """A folder beside or above the program's, or another program's, is not what was meant."""
    title = TARGETS[target].title
    if not dest.exists():
        meant = _like(dest, [one for one in _folders(dest.parent) if _is_installed(target, one)])
        if meant is not None:
            raise UserError(f"{dest}: there is no such folder.", f"Did you mean '{meant}'?")
        return
    if _is_installed(target, dest):
        return
    inner = [one for one in _folders(dest) if _is_installed(target, one)]
    if inner:
        raise UserError(f"{dest}: is not {title}'s folder itself.", f"It lies in {inner[0]}: give that.")
    other: TargetName = "a1111" if target == "comfyui" else "comfyui"
    if TARGETS[target].installed and _is_installed(other, dest):
        raise UserError(
            f"{dest}: is the folder of {TARGETS[other].title}, not of {title}.",
            f"Give --to {other}, or {title}'s folder with --dest.",
        )


def refuse_program_folder(targets: Iterable[TargetName], dest: Path) -> None:
    """Raise `UserError` where a folder for several programs' folders is itself one of them."""
    for target in targets:
        if _is_installed(target, dest):
            raise UserError(
                f"{dest}: is the folder of {TARGETS[target].title} alone.",
                "Give --dest once for each --to, in their order.",
            )


def _what_it_is(target: TargetName, dest: Path) -> tuple[str, ...]:
    """A note when ``dest`` is no program's folder (yet)."""
    title, folder = TARGETS[target].title, TARGETS[target].lora_folder
    if not folder or _is_installed(target, dest) or (dest / folder).is_dir():
        return ()
    state = "is no folder of" if dest.exists() and any(dest.iterdir()) else "is a new folder, not"
    whose = title if state.endswith("of") else f"{title}'s own"
    return (f"{dest} {state} {whose}: copy what is put there into the folder that has {title}'s models/.",)


def _is_installed(target: TargetName, folder: Path) -> bool:
    """Whether the program itself lies there, not only what an export made."""
    return any((folder / mark).exists() for mark in TARGETS[target].installed)


def _folders(folder: Path) -> list[Path]:
    """The folders in ``folder`` that can be looked into."""
    try:
        return sorted(one for one in folder.iterdir() if one.is_dir())
    except OSError:
        return []


def _like(dest: Path, folders: Iterable[Path]) -> Path | None:
    by_name = {folder.name: folder for folder in folders}
    found = nearest(dest.name, by_name)
    return by_name[found] if found else None


def _comfyui_loras(root: Path) -> tuple[Path, tuple[str, ...]]:
    """The folder of ``extra_model_paths.yaml`` that new LoRAs go to, else ComfyUI's own, and why.

    A section that says ``is_default`` comes first; without one the first named folder that is there, since
    who names one keeps LoRAs in it.
    """
    folders, own = lora_folders(root), root / OWN_FOLDER
    named = [folder for folder in folders if folder.section]
    there = [folder for folder in named if folder.path.is_dir()]
    gone = tuple(
        f"{FILE} [{folder.section}] names {folder.path}, which is not there."
        for folder in named
        if folder not in there
    )
    if not there:
        return own, gone
    return there[0].path, (f"{FILE} [{there[0].section}] keeps LoRAs in {there[0].path}.", *gone)
