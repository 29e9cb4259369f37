"""``COLAB_UPLOADS`` has what the user picks; ``COLAB_DOWNLOADS`` collects what the browser gets."""

import os
import shutil
from pathlib import Path


def upload() -> dict[str, bytes]:
    picked = sorted(Path(os.environ["COLAB_UPLOADS"]).iterdir())
    for path in picked:
        shutil.copyfile(path, path.name)
    return {path.name: path.read_bytes() for path in picked}


def download(filename: str) -> None:
    shutil.copy(filename, os.environ["COLAB_DOWNLOADS"])
