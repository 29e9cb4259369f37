"""Folders that a command works in: one that goes away with its drive is not made again where it was mounted.

Else its files would be strewn over an empty mount point, hidden as soon as the drive is back.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dataset_tools.errors import UserError

_WORKED_IN: list[Path] = []


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Within the block nothing is made below ``folder`` by `make_folder` unless that is there.

    Raises FileNotFoundError when it is gone at the end; in place of an OSError or a `UserError` too, which
    tell of what was missed first, a base model or a picture.
    """
    place = folder.absolute()
    _WORKED_IN.append(place)
    try:
        yield
    except (OSError, UserError) as error:
        if not place.is_dir():
            raise _gone(place) from error
        raise
    else:
        if not place.is_dir():
            raise _gone(place)
    finally:
        _WORKED_IN.remove(place)


def make_folder(folder: Path) -> None:
    """``folder`` with all those above it. FileNotFoundError for what is worked in and is gone."""
    place = folder.absolute()
    for ground in _WORKED_IN:
        if place.is_relative_to(ground) and not ground.is_dir():
            raise _gone(ground)
    folder.mkdir(parents=True, exist_ok=True)


def _gone(ground: Path) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(ground))
