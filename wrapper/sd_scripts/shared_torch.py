"""Sharing another Python's torch, and nothing else of it, with sd-scripts' environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dataset_tools.errors import UserError
from wrapper.places import shipped
from wrapper.sd_scripts.children import ask

FOLDER = "lorawrap_shared_torch"
"""Inside site-packages, named by a ``.pth`` file, so that it comes last on the path."""


@dataclass(frozen=True)
class SharedTorch:
    """torch of another Python: the entries of ``folder`` that it and its compiled parts are made of."""

    version: str
    folder: Path
    entries: tuple[str, ...]


def find_torch(python: Path) -> SharedTorch:
    """The torch that ``python`` imports; raises `UserError` when it has none."""
    found = ask(python, shipped("vendor") / "list_torch.py")
    if found is None:
        raise UserError(f"{python} has no torch that could be shared.", "Leave --system-torch out.")
    if not found["entries"]:
        raise UserError(
            f"{found['folder']}: its torch was not installed by pip.", "Leave --system-torch out."
        )
    return SharedTorch(found["version"], Path(found["folder"]), tuple(found["entries"]))


def share(torch: SharedTorch, site: Path) -> None:
    """Link ``torch`` into the environment whose packages lie in ``site``."""
    folder = site / FOLDER
    folder.mkdir(exist_ok=True)
    for name in torch.entries:
        _link(folder / name, torch.folder / name)
    (site / f"{FOLDER}.pth").write_text(f"{FOLDER}\n", encoding="utf-8", newline="\n")


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(target, target_is_directory=target.is_dir())
    except OSError as error:
        raise UserError(
            f"{link}: links cannot be made here ({error.strerror}), so that torch cannot be shared.",
            "Leave --system-torch out: torch is then installed once more.",
        ) from error
