"""Putting files into another program's folder: nothing overwritten unasked, nothing half-written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dataset_tools.errors import Problems
from dataset_tools.files import placing
from wrapper.export.targets import TARGETS, TargetName


def refuse_collisions(
    name: str, destinations: Mapping[TargetName, Path], wanted: Sequence[Path], force: bool
) -> None:
    """Raise one `UserError` for all files of ``wanted`` that are there and all LoRAs that share ``name``."""
    problems = Problems()
    for target, root in destinations.items():
        if root.exists() and not root.is_dir():
            problems.add(root, "is not a folder.")
        for twin in _twins(name, target, root):
            problems.add(twin, f"has the same name: A1111 would not know which '{name}' is meant.")
    for path in wanted:
        if path.exists() and not force:
            problems.add(path, "is already there.")
    problems.raise_if_any(hint="Give another --name, or --force to write over files that are there.")


def _twins(name: str, target: TargetName, root: Path) -> Iterator[Path]:
    """Other LoRA files of that name in A1111's subfolders: it calls them by base name alone."""
    if target == "a1111":
        folder = root / TARGETS[target].lora_folder
        yield from (path for path in folder.rglob(f"*/{_literal(name)}.safetensors"))


def _literal(name: str) -> str:
    """``name`` as a pattern that matches nothing but itself."""
    return name.replace("[", "[[]")


@contextmanager
def staging(destination: Path) -> Iterator[Path]:
    """A temporary folder on the destination's file system; folders made for it alone go again on failure."""
    missing = [folder for folder in (destination, *destination.parents) if not folder.exists()]
    with placing(destination):
        destination.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".part-export-", dir=destination) as folder:
            yield Path(folder)
    finally:
        for folder in missing:
            if not any(folder.iterdir()):
                folder.rmdir()


def place(moves: Sequence[tuple[Path, Path]]) -> None:
    """Rename each file into place; when one cannot be, those that are new go again."""
    placed: list[Path] = []
    try:
        for staged, final in moves:
            final.parent.mkdir(parents=True, exist_ok=True)
            if not final.exists():
                placed.append(final)
            staged.replace(final)
    except OSError:
        for path in placed:
            path.unlink(missing_ok=True)
        raise
