"""Files known by what is in them: moved, copied or touched, they are the same."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.files import content_hash, write_json


class Contents:
    """SHA-256 of files, remembered in ``memory`` by path, size and time of change: nothing is read twice.

    They are named from the first of ``roots`` that they lie in.
    """

    def __init__(self, memory: Path, *roots: Path) -> None:
        self.roots, self.memory = roots, memory
        self.known = _read(memory)

    def of(self, paths: Iterable[Path]) -> list[list[str]]:
        """``[path relative to its root, hash]`` of each; a file that is not there has no hash."""
        found = [[self.name(path), self._hash(path)] for path in paths]
        remembered = _read(self.memory)
        if not self.known.items() <= remembered.items():
            write_json(self.memory, {**remembered, **self.known})
        return found

    def name(self, path: Path) -> str:
        """The path from its root, so that a project may be moved; an outside one as it is."""
        absolute = path.resolve()
        root = next((root for root in self.roots if absolute.is_relative_to(root)), None)
        return (absolute.relative_to(root) if root else absolute).as_posix()

    def _hash(self, path: Path) -> str:
        try:
            facts = path.stat()
        except OSError:
            return ""
        stamp = [facts.st_size, facts.st_mtime_ns]
        size, changed, digest = self.known.get(str(path), (None, None, ""))
        if [size, changed] != stamp:
            digest = content_hash(path)
            self.known[str(path)] = [*stamp, digest]
        return digest


def _read(memory: Path) -> dict[str, list]:
    try:
        return dict(from_json(bounded_text(memory)))
    except (FileNotFoundError, ValueError, TypeError):
        return {}
