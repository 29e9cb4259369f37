"""What is wrong with many files alike is said once."""

from __future__ import annotations

from pathlib import Path

from dataset_tools.wording import SHOWN, some
from wrapper.kohya.report import Findings

Kind = tuple[bool, str, str]


class Grouped:
    """Collects findings about files; `report` hands them on, few of a kind one by one, many as one.

    ``where`` is the place in the file of settings that names the folder.
    """

    def __init__(self, findings: Findings, where: str) -> None:
        self._findings, self._where = findings, where
        self._paths: dict[Kind, list[Path]] = {}

    def error(self, path: Path, message: str, hint: str = "") -> None:
        self._paths.setdefault((True, message, hint), []).append(path)

    def warn(self, path: Path, message: str, hint: str = "") -> None:
        self._paths.setdefault((False, message, hint), []).append(path)

    def report(self) -> None:
        for (is_error, message, hint), paths in self._paths.items():
            tell = self._findings.error if is_error else self._findings.warn
            if len(paths) <= SHOWN:
                for path in paths:
                    tell(path, message, hint)
            else:
                names = some(path.name for path in paths)
                tell(self._where, f"{len(paths)} files in {paths[0].parent}, {names}: {message}", hint)
        self._paths.clear()
