"""Where sd-scripts comes from: a URL, a clone (also a bare or a partial one), or an unpacked folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dataset_tools.errors import UserError, did_you_mean
from wrapper.sd_scripts.git import git, has_git
from wrapper.sd_scripts.lock import lock

_URL = re.compile(r"^([a-z+]+://|[\w.-]+@[\w.-]+:)", re.IGNORECASE)
HINT = "--source takes a URL, a clone of kohya-ss/sd-scripts, or the folder of its unpacked source archive."


@dataclass(frozen=True)
class Source:
    """``place`` is what git is given, or the folder itself."""

    kind: Literal["url", "repository", "folder"]
    place: str

    @property
    def is_local(self) -> bool:
        return self.kind == "repository" or self.place.startswith("file://")

    def __str__(self) -> str:
        """Without a password that the URL may hold."""
        return re.sub(r"://[^/@]*@", "://", self.place)


def read_source(text: str | None) -> Source:
    """The source that ``text`` names, by default the lock's; raises `UserError` for anything else."""
    if text is None:
        return Source("url", lock().url)
    if _URL.match(text):
        return Source("url", text)
    folder = Path(text).expanduser().absolute()
    if not folder.is_dir():
        raise UserError(f"{folder}: {'is a file' if folder.exists() else 'there is no such folder'}.", HINT)
    if _is_repository(folder) and (has_git() or not _is_sd_scripts(folder)):
        return Source("repository", str(folder))
    if not _is_sd_scripts(folder):
        raise UserError(f"{folder}: there is no train_network.py in it, and it is no git repository.", HINT)
    return Source("folder", str(folder))


def _is_repository(folder: Path) -> bool:
    """A clone, or a bare one; not a folder that merely lies inside of a repository."""
    bare = (folder / "HEAD").is_file() and (folder / "objects").is_dir()
    return bare or (folder / ".git").exists()


def _is_sd_scripts(folder: Path) -> bool:
    return (folder / "train_network.py").is_file() and (folder / "library").is_dir()


def find_commit(source: Source, ref: str) -> str:
    """The commit that tag or branch ``ref`` stands at in a git source.

    For the pinned tag this is the pinned commit. Raises `UserError` when the tag was moved, or there is none.
    """
    refs = _refs(source)
    names = (f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}")
    there = next((refs[name] for name in names if name in refs), None)
    if ref == lock().tag and there not in (None, lock().commit):
        raise UserError(
            f"{source}: tag {ref} was moved: it is at {str(there)[:10]}, not at {lock().commit[:10]}.",
            f"Take it from {lock().url}, or a version of another name with --ref.",
        )
    if ref == lock().tag:
        return lock().commit
    if there is None:
        known = [name.split("/", 2)[2] for name in refs if name.count("/") >= 2 and not name.endswith("^{}")]
        raise UserError(f"{source}: there is no tag or branch {ref}.", did_you_mean(ref, known) or HINT)
    return there


def _refs(source: Source) -> dict[str, str]:
    listed = git("ls-remote", "--tags", "--heads", "--", source.place, about=str(source))
    return {name: commit for commit, name in (line.split("\t", 1) for line in listed.splitlines())}
