"""Where a command may write: never over its own input, and over other files only when told to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.files import check_place

SUFFIX = ".safetensors"


def check_output(out: Path, inputs: Iterable[Path], force: bool, *, suffix: str = SUFFIX) -> None:
    """Raise `UserError` when ``out`` cannot or must not be written; asked before the work.

    ``suffix`` is how its name has to end; empty for a folder.
    """
    same = [path for path in inputs if _is_same(path, out)]
    if same:
        raise UserError(f"{out}: is the file that is read.", "Name another file with --out.")
    if suffix and out.suffix.lower() != suffix:
        raise UserError(f"{out}: its name does not end in {suffix}.", f"Give --out {out.name}{suffix}.")
    if suffix and out.is_dir():
        raise UserError(f"{out}: is a folder.", f"Name a file in it, such as {out / f'lora{suffix}'}.")
    if out.exists() and not force:
        raise UserError(f"{out}: is there already.", "Name another place, or give --force to write over it.")
    check_place(out)


def _is_same(path: Path, out: Path) -> bool:
    return path.exists() and out.exists() and path.samefile(out)
