"""Files whose names a manifest spells in another Unicode form: ``é`` may be one letter, or two on macOS."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from dataset_tools.system.portable_names import composed, folded


class OtherForms:
    """Looks names up in the folders below ``root``, each of which is listed once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed: dict[Path, dict[str, list[str]]] = {}

    def find(self, name: str) -> str | None:
        """What is called ``name`` there but for its Unicode form; None where there is none, or several."""
        return self._find(name, composed)

    def nearly(self, name: str) -> str | None:
        """What is called ``name`` but for letter case as well."""
        return self._find(name, folded)

    def _find(self, name: str, alike: Callable[[str], str]) -> str | None:
        found = PurePosixPath()
        for part in PurePosixPath(name).parts:
            there = self._names(self._root / found)
            same = [one for one in there.get(folded(part), ()) if alike(one) == alike(part)]
            if len(same) != 1:
                return None
            found /= same[0]
        return found.as_posix()

    def _names(self, folder: Path) -> dict[str, list[str]]:
        """The names in ``folder`` by what is the same of them on every disk."""
        if folder not in self._listed:
            names: dict[str, list[str]] = {}
            with suppress(OSError):  # no folder, or not ours to read: nothing is found there
                for name in os.listdir(folder):  # noqa: PTH208 - names alone are asked
                    names.setdefault(folded(name), []).append(name)
            self._listed[folder] = names
        return self._listed[folder]
