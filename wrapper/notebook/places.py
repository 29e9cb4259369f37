"""Where a notebook keeps a project: the folders that users of Kohya's notebooks know, and ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wrapper.project.layout import ProjectPaths
from wrapper.project.load import validate

MANIFESTS = ("manifest.jsonl", "manifest.json", "manifest.csv")


@dataclass(frozen=True)
class Places:
    """``<root>/<name>/``: ``dataset`` has the photographs, ``output`` what was made, ``job`` the work."""

    root: Path
    name: str

    @property
    def folder(self) -> Path:
        return self.root / self.name

    @property
    def photographs(self) -> Path:
        """The user's own; only ever added to."""
        return self.folder / "dataset"

    @property
    def output(self) -> Path:
        return self.folder / "output"

    @property
    def pictures(self) -> Path:
        """What the inference notebook draws."""
        return self.folder / "pictures"

    @property
    def job(self) -> ProjectPaths:
        """The wrapper's project."""
        return ProjectPaths(self.folder / "job")

    @property
    def form(self) -> Path:
        """What the form said last, and what was written from it."""
        return self.job.cache / "form.json"


def projects(root: Path) -> list[str]:
    """The names of the projects below ``root``."""
    folders = sorted(root.iterdir()) if root.is_dir() else []
    return [folder.name for folder in folders if Places(root, folder.name).job.file.is_file()]


def check_name(name: str) -> None:
    """Raise `UserError` for a project's name that no folder and no file can have."""
    validate({"project": {"name": name}}, {"project.name": "project_name"})


def find(said: str, *folders: Path) -> Path | None:
    """The path that a user wrote, as it is or below one of ``folders``; None where nothing is there.

    Quotes about it are left out: file managers copy paths with them.
    """
    path = Path(said.strip("\"' ")).expanduser()
    tried = (path, *(folder / path for folder in folders))
    return next((place.absolute() for place in tried if place.exists()), None)


def manifest_of(folder: Path) -> Path:
    """The manifest that lies among the photographs, else their folder, which is read as one."""
    return next((folder / name for name in MANIFESTS if (folder / name).is_file()), folder)
