"""Getting the files of sd-scripts, and proving that they are those of the commit."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.files import whole_folder
from wrapper.sd_scripts.blobs import blob_ids, compare
from wrapper.sd_scripts.git import git
from wrapper.sd_scripts.lock import lock, locked_files
from wrapper.sd_scripts.source import Source, find_commit

LEFT_OUT = ("bitsandbytes_windows/", "configs/qwen3_06b/")
"""Folders that no LoRA training of SD 1.5 or SDXL needs: old Windows DLLs, another model's vocabulary."""
_PARTIAL = ("uploadpack.allowFilter=true", "uploadpack.allowAnySHA1InWant=true")
_PARTS = ("library", "networks", "configs", "tools", "finetune")
"""What is taken of an unpacked folder of another version, beside the files at its top."""


@dataclass(frozen=True)
class Checkout:
    """What was got: ``files`` are the blob ids; ``commit`` is empty where nobody can tell it."""

    tag: str
    commit: str
    pinned: bool
    files: Mapping[str, str]


def get_checkout(source: Source, ref: str, target: Path) -> Checkout:
    """Bring version ``ref`` to ``target``, proved and whole or not at all; raises `UserError`."""
    with whole_folder(target) as folder:
        if source.kind == "folder":
            return _copy(Path(source.place), ref, folder)
        commit = find_commit(source, ref)
        _fetch(source, ref, commit, folder)
        files = _files_of(folder, commit)
        if wrong := compare(folder, files):
            raise UserError(f"{source}: what was checked out is not the commit ({wrong}).", "Try again.")
        return Checkout(ref, commit, commit == lock().commit, files)


def _fetch(source: Source, ref: str, commit: str, folder: Path) -> None:
    """One commit without history, and of its files only those that are checked out."""
    git("init", "--quiet", "--template=", str(folder))
    for setting in _settings(source):
        git("config", *setting, cwd=folder)
    (folder / ".git" / "info").mkdir(exist_ok=True)
    rules = "".join(f"{line}\n" for line in ("/*", *(f"!/{name}" for name in LEFT_OUT)))
    (folder / ".git" / "info" / "sparse-checkout").write_text(rules, encoding="utf-8", newline="\n")
    about = f"{source}, {ref}"
    only = ("fetch", "--quiet", "--depth", "1", "--no-tags", "--filter=blob:none", "origin")
    git(*only, commit, cwd=folder, about=about)
    git("checkout", "--quiet", "--detach", commit, cwd=folder, about=about)


def _settings(source: Source) -> Iterator[tuple[str, str]]:
    """A local clone is asked in a way that lets it lack the files that are left out."""
    yield "remote.origin.url", source.place
    yield "core.autocrlf", "false"
    yield "core.sparseCheckout", "true"
    if source.is_local:
        asking = " ".join(f"-c {setting}" for setting in _PARTIAL)
        yield "remote.origin.uploadpack", f"git {asking} upload-pack"


def _files_of(folder: Path, commit: str) -> dict[str, str]:
    listed = git("ls-tree", "-r", "-z", commit, cwd=folder).split("\0")
    pairs = (line.split("\t", 1) for line in listed if line)
    files = {name: meta.split()[2] for meta, name in pairs if meta.split()[1] == "blob"}
    return {name: blob for name, blob in files.items() if not name.startswith(LEFT_OUT)}


def _copy(source: Path, ref: str, folder: Path) -> Checkout:
    """An unpacked source archive: it proves to be the pinned version, or is taken as it is, unpinned."""
    wrong = compare(source, locked_files())
    if wrong and ref == lock().tag:
        raise UserError(
            f"{source}: is not sd-scripts {ref} as it was published ({wrong}).",
            "--ref NAME takes it as it is, under that name and unpinned.",
        )
    names = list(locked_files()) if not wrong else _names_in(source)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)
    pinned = not wrong and ref == lock().tag
    return Checkout(ref, lock().commit if not wrong else "", pinned, blob_ids(folder, names))


def _names_in(source: Path) -> list[str]:
    tops = [path for path in source.iterdir() if path.is_file()]
    inside = [path for part in _PARTS for path in (source / part).rglob("*") if path.is_file()]
    names = (path.relative_to(source).as_posix() for path in (*tops, *inside))
    return sorted(name for name in names if "__pycache__" not in name and not name.startswith(LEFT_OUT))
