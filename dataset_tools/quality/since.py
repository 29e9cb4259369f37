"""Which photographs are no longer those that QC judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dataset_tools.database import opened
from dataset_tools.quality.measured_store import SCHEMA

Changed = Callable[[Path, str], bool]
"""Whether the file at a path, of that SHA-256, is another than QC saw."""


def unchanged(_path: Path, _sha256: str) -> bool:
    """`Changed` where nothing is known of an earlier state."""
    return False


@contextmanager
def changed_since(results: Path, cache: Path) -> Iterator[Changed]:
    """Tell what changed after ``results``, the reports, by what was measured before them, in ``cache``.

    A file that the file system calls older than the reports is as it was; a newer one (a copy or a move
    makes it new as well) is held against the contents that were measured. Without a cache nothing is known.
    """
    if not cache.is_file():
        yield unchanged
        return
    written_ns = results.stat().st_mtime_ns
    with opened(cache, SCHEMA) as connection:

        def changed(path: Path, sha256: str) -> bool:
            status = path.stat()
            if max(status.st_mtime_ns, status.st_ctime_ns) <= written_ns:
                return False
            seen = connection.execute("SELECT 1 FROM measured WHERE content = ?", [sha256]).fetchone()
            return seen is None

        yield changed
