"""Locks where there is no ``flock``, and by one of them: which unfinished folder is being written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

NAME = ".in-use"


def lock(stream: IO[bytes], at: int = 0) -> None:
    """Lock the byte ``at`` of an open file until that is closed. Raises OSError while another has it.

    There is no lock for readers, and none but its holder can read the byte.
    """
    import msvcrt

    stream.seek(at)
    msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Lock ``folder`` until this process leaves it or ends. The file is gone when the block is left."""
    place = folder / NAME
    try:
        with place.open("wb") as stream:
            lock(stream)
            yield
    finally:
        place.unlink(missing_ok=True)


def is_in_use(path: Path) -> bool:
    """Whether a process is within `in_use`; of a single file nobody can tell, and it is taken to be."""
    try:
        with (path / NAME).open("r+b") as stream:
            lock(stream)
    except FileNotFoundError:
        return not path.is_dir()
    except OSError:
        return True
    return False
