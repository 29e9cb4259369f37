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

_WORKED_IN: list[tuple[Path, int]] = []
"""Each with the number of its device: an empty mount point has another."""


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Within the block nothing is made below ``folder`` by `make_folder` unless that is there.

    Raises FileNotFoundError when it is gone at the end; in place of an OSError or a `UserError` too, which
    tell of what was missed first, a base model or a picture.
    """
    ground = (folder.absolute(), folder.stat().st_dev)
    _WORKED_IN.append(ground)
    try:
        yield
    except (OSError, UserError) as error:
        if _is_gone(*ground):
            raise _gone(ground[0]) from error
        raise
    else:
        if _is_gone(*ground):
            raise _gone(ground[0])
    finally:
        _WORKED_IN.remove(ground)


def make_folder(folder: Path) -> None:
    """``folder`` with all those above it. FileNotFoundError for what is worked in and is gone."""
    place = folder.absolute()
    for ground, device in _WORKED_IN:
        if place.is_relative_to(ground) and _is_gone(ground, device):
            raise _gone(ground)
    folder.mkdir(parents=True, exist_ok=True)


def _is_gone(ground: Path, device: int) -> bool:
    return not ground.is_dir() or ground.stat().st_dev != device


def _gone(ground: Path) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(ground))
