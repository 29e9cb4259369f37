"""Which unfinished folder is being written, where there is no ``flock``: a file in it that is locked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = ".in-use"


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Lock ``folder`` until this process leaves it or ends. The file is gone when the block is left."""
    import msvcrt

    place = folder / NAME
    try:
        with place.open("wb") as stream:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            yield
    finally:
        place.unlink(missing_ok=True)


def is_in_use(path: Path) -> bool:
    """Whether a process is within `in_use`; of a single file nobody can tell, and it is taken to be."""
    import msvcrt

    try:
        with (path / NAME).open("r+b") as stream:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except FileNotFoundError:
        return not path.is_dir()
    except OSError:
        return True
    return False
