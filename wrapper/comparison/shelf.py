"""Where LoRA files lie, and what they are called there: files, patterns, a run's checkpoints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError, did_you_mean
from dataset_tools.system.left_by_systems import visible
from wrapper.project.layout import STAGES

if TYPE_CHECKING:
    from wrapper.project.layout import ProjectPaths, RunPaths

SUFFIX = ".safetensors"
ALL = "all"
_EPOCH = re.compile(r"(?P<name>.*)-(?P<epoch>\d{6})")
_STEP = re.compile(r"(?P<name>.*)-step(?P<step>\d{8})")
_GLOB = re.compile(r"[*?\[]")
_LAST = float("inf")


@dataclass(frozen=True)
class Shelf:
    """``folders`` are searched for names. ``paths`` is the project's, whose runs are known by their ids."""

    folders: tuple[Path, ...] = (Path(), Path("loras"))
    paths: ProjectPaths | None = None

    def find(self, name: str) -> list[Path]:
        """The files that ``name`` stands for, oldest checkpoint first.

        A file, a folder, a pattern, a run's id, a stage (its newest run), ``all`` (the last run of the last
        stage), or a file's name in the folders. Raises `UserError` when there is none.
        """
        if files := self._files(name):
            return files
        known = [path.stem for path in self._named()] + [run.id for run in self._runs()]
        hint = (
            did_you_mean(name, known) or "Give a file, a folder, a pattern such as 'loras/*', or a run's id."
        )
        raise UserError(f"no LoRA file or run '{name}'.", hint)

    def _files(self, name: str) -> list[Path]:
        path = Path(name).expanduser()
        if path.is_file():
            return [path]
        if path.is_dir():
            return _loras(path.iterdir())
        if _GLOB.search(name):
            return self._matching(name)
        return self._run(name) or [one for one in self._named() if name in (one.stem, one.name)][:1]

    def _matching(self, pattern: str) -> list[Path]:
        """Files that match from the current folder, else in the first of the folders where any do."""
        path = Path(pattern).expanduser()
        root = Path(path.anchor)
        found = (
            _loras(root.glob(str(path.relative_to(root)))) if path.anchor else _loras(Path().glob(pattern))
        )
        looked = (_loras(folder.glob(pattern)) for folder in self._all_folders() if not path.anchor)
        return found or next((files for files in looked if files), [])

    def checkpoints(self, stage: str) -> list[Path]:
        """What the newest run of ``stage`` that has files has written."""
        of_stage = (run for run in reversed(self._runs()) if run.id.startswith(stage))
        return next((files for run in of_stage if (files := _kept(run))), [])

    def _run(self, name: str) -> list[Path]:
        if name == ALL or name in STAGES:
            return self.checkpoints("" if name == ALL else name)
        return next((_kept(run) for run in self._runs() if run.id == name), [])

    def _runs(self) -> list[RunPaths]:
        return self.paths.all_runs() if self.paths else []

    def _all_folders(self) -> list[Path]:
        return [*self.folders, *(run.output for run in self._runs())]

    def _named(self) -> list[Path]:
        return [
            path for folder in self._all_folders() if folder.is_dir() for path in _loras(folder.iterdir())
        ]


def labels(files: Sequence[Path]) -> list[str]:
    """For each file its epoch or step, with its name where there are several names.

    The file of a run that has neither is its last. Files of one name tell which folder they are from.
    """
    several = len({_parts(path)[0] for path in files}) > 1
    told = [_label(path, several, alone=len(files) == 1) for path in files]
    return [
        f"{label} of {_home(path)}" if told.count(label) > 1 else label
        for path, label in zip(files, told, strict=True)
    ]


def _kept(run: RunPaths) -> list[Path]:
    return _loras(run.output.glob("*"))


def _loras(paths: Iterable[Path]) -> list[Path]:
    """LoRA files in the order of their training: by name, epoch, step; a run's last file at the end."""
    return sorted((path for path in visible(paths) if path.suffix == SUFFIX and path.is_file()), key=_parts)


def _parts(path: Path) -> tuple[str, float, float]:
    if found := _STEP.fullmatch(path.stem):
        return found["name"], 0, int(found["step"])
    if found := _EPOCH.fullmatch(path.stem):
        return found["name"], int(found["epoch"]), 0
    return path.stem, _LAST, 0


def _label(path: Path, several: bool, *, alone: bool) -> str:
    name, epoch, step = _parts(path)
    when = f"step {step:g}" if step else f"epoch {epoch:g}" if epoch != _LAST else ""
    if several or alone:
        return f"{name} {when}".strip()
    return when or "last"


def _home(path: Path) -> str:
    """The run, or the folder, that a file belongs to."""
    folder = path.absolute().parent
    return folder.parent.name if folder.name == "output" else folder.name
