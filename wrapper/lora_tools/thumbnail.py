"""A small picture as text, for ``modelspec.thumbnail``."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path

MAX_SIDE_PX = 256


def data_url(path: Path) -> str:
    """The picture at ``path``, at most 256 px wide and high, as a ``data:`` URL of a JPEG without metadata.

    Raises `UserError` for what is no picture.
    """
    from PIL import Image

    from dataset_tools.pictures.images import read_rgb

    picture = Image.fromarray(read_rgb(path))
    picture.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.LANCZOS)
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
