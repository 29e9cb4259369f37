"""Problems of a file with any number of rows: all are counted, so many are kept as a person can read."""

from __future__ import annotations

import re

from dataset_tools.errors import Problems

SHOWN_PROBLEMS = 50
OTHER_KINDS = 20
_PARTICULAR = re.compile(r"'[^']*'|\"[^\"]*\"|\d+")


class CountedProblems(Problems):
    """Keeps the first problems, and of what comes later the first of every other kind."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._kinds: set[str] = set()

    def add(self, where: object, message: str, hint: str = "") -> None:
        self.count += 1
        if len(self.found) >= SHOWN_PROBLEMS + OTHER_KINDS:
            return
        kind = _PARTICULAR.sub("…", message)
        if len(self.found) < SHOWN_PROBLEMS or kind not in self._kinds:
            self._kinds.add(kind)
            super().add(where, message, hint)

    def raise_if_any(self, title: str = "", hint: str = "") -> None:
        """Raise one `UserError`: a single problem as it is, many below ``title`` with their number."""
        if self.count > len(self.found):
            super().add(title, f"and {self.count - len(self.found):,} more")
        many = self.count > 1
        super().raise_if_any(f"{title}: {self.count:,} problems" if many else "", hint if many else "")
