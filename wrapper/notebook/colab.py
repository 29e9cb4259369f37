"""What only Google Colab has: files from and to the browser, secrets, answers of a page. None elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from wrapper.notebook.stop import Stop


def colab(part: str) -> Any:
    """The module ``google.colab.<part>``, or None where this is not Colab."""
    try:
        return import_module(f"google.colab.{part}")
    except ImportError:
        return None


def upload(folder: Path) -> list[Path]:
    """Ask the browser for files and put them into ``folder``; raises `Stop` outside of Colab."""
    files = colab("files")
    if files is None:
        raise Stop("Uploading works in Colab only.", f"Copy the photographs into {folder}.")
    folder.mkdir(parents=True, exist_ok=True)
    with _inside(folder):
        sent = files.upload()
        for name, data in sent.items():
            if not Path(name).is_file():
                Path(name).write_bytes(data)
    return [folder / name for name in sent]


def download(path: Path) -> bool:
    """Hand a file to the browser; False outside of Colab, where it is on this machine already."""
    files = colab("files")
    if files is not None:
        files.download(str(path))
    return files is not None


def secret(name: str) -> str:
    """A secret of the notebook's owner, else the variable of that name; empty without. Never shown."""
    userdata = colab("userdata")
    try:
        found = userdata.get(name) if userdata else None
    except (userdata.SecretNotFoundError, userdata.NotebookAccessError):
        found = None
    return found or os.environ.get(name, "")


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Colab puts uploaded files into the current folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
