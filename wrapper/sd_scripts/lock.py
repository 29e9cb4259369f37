"""Which sd-scripts this project is checked against."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wrapper.places import shipped

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Lock:
    """Which sd-scripts the recorded options are of."""

    url: str
    tag: str
    commit: str


@cache
def lock() -> Lock:
    """The pinned sd-scripts, from ``vendor/sd-scripts.lock.toml``."""
    return Lock(**tomllib.loads((shipped("vendor") / "sd-scripts.lock.toml").read_text(encoding="utf-8")))


@cache
def locked_files() -> Mapping[str, str]:
    """``{path: blob id}`` of the pinned commit, without what an installation leaves out."""
    path = shipped("vendor") / "sd-scripts.files.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def recorded_tables() -> Path:
    """The pinned commit's option tables, which come with this project (without help texts)."""
    return shipped("vendor") / "options" / lock().tag
