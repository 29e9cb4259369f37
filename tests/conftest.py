"""Fixtures for everyone: tiny random base models, made once a session and never changed.

What the user has installed for the wrapper is out of sight: tests bring their own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.models import Kind, make_tiny

if sys.version_info < (3, 11):
    import tomli

    sys.modules["tomllib"] = tomli  # the tests call it by one name

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["LORAWRAP_DATA_DIR"] = str(Path(__file__).parent / "nothing is installed here")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is remembered between runs lies in a folder of the session's own."""
    os.environ["LORAWRAP_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``tiny_base("sd15")``, ``tiny_base("sdxl", inpaint=True)``: a diffusers folder (never changed)."""
    made: dict[tuple[Kind, bool], Path] = {}

    def base(kind: Kind = "sd15", inpaint: bool = False) -> Path:
        if (kind, inpaint) not in made:
            folder = tmp_path_factory.mktemp("tiny bases") / f"{kind}{'-inpaint' if inpaint else ''}"
            made[kind, inpaint] = make_tiny(kind, inpaint, folder)
        return made[kind, inpaint]

    return base
