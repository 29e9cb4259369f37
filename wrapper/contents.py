"""Files known by what is in them: moved, copied or touched, they are the same."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dataset_tools.known_contents import KnownContents, known_contents

HASHES = "hashes.sqlite"
"""Its name in a project's cache."""


class Contents:
    """SHA-256 of files, remembered in ``memory``: nothing is read twice (`KnownContents` says how it knows).

    They are named from the first of ``roots`` that they lie in.
    """

    def __init__(self, memory: Path, *roots: Path) -> None:
        self.roots, self.memory = roots, memory

    def of(self, paths: Iterable[Path]) -> list[list[str]]:
        """``[path relative to its root, hash]`` of each; a file that is not there has no hash.

        UserError when what is remembered cannot be read or written.
        """
        with known_contents(self.memory) as known:
            return [[self.name(path), _hash(path, known)] for path in paths]

    def name(self, path: Path) -> str:
        """The path from its root, so that a project may be moved; an outside one as it is."""
        absolute = path.resolve()
        root = next((root for root in self.roots if absolute.is_relative_to(root)), None)
        return (absolute.relative_to(root) if root else absolute).as_posix()


def _hash(path: Path, known: KnownContents) -> str:
    return known.of(path) if path.exists() else ""
