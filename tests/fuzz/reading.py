"""A reader of outside data, and how it may answer: with a value, or with one sentence."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from dataset_tools.errors import UserError
from dataset_tools.printable import printable


class Reader(NamedTuple):
    """What reads a file called ``name``, and whole files of that kind.

    ``wrap`` puts what is made odd into a file: a text into a picture's metadata.
    """

    name: str
    read: Callable[[Path], Any]
    seeds: tuple[bytes, ...]
    wrap: Callable[[bytes], bytes] = bytes


def told(read: Callable[[], Any]) -> str:
    """What a reader refuses with, in one line; empty when it answers."""
    try:
        read()
    except UserError as error:
        said = error.message
    else:
        return ""
    assert said
    printable(said).encode("utf-8")  # so a terminal is shown it
    return said


def encoded(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    """A small picture in Pillow's ``mode``, written as ``kind``."""
    stream = BytesIO()
    noise = np.random.default_rng(1).integers(0, 255, (40, 48, 3)).astype(np.uint8)
    Image.fromarray(noise).convert(mode).save(stream, kind, **options)
    return stream.getvalue()
