"""A trial's own ``lorawrap.toml``: the project's settings, its own over them, and paths from its folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wrapper.kohya.layers import PATHS
from wrapper.project.load import SHIPPED_BASE, Project, lay_over, leaves
from wrapper.toml_text import to_toml

PATH_KEYS = (
    "manifest.path",
    "base.model",
    "base.inpaint_model",
    "masks.sam_model",
    "captions.blip_model",
    "regularisation.folder",
    "evaluate.lpips_weights",
    "evaluate.face_model",
    "evaluate.clip_model",
    *(f"{stage}.kohya.{key}" for stage in ("stage_a", "stage_b") for key in sorted(PATHS)),
)
"""The settings that are paths, relative to the project's folder."""
HEAD = """\
# {title}
# Made by `lorawrap sweep`, from the settings of the project and those of the trial: a change here is lost.
"""


def project_text(title: str, data: Mapping[str, Any], project: Project, folder: Path, of: Path | None) -> str:
    """The file for a project in ``folder`` with the settings ``data``, as they are written for ``project``.

    ``of`` is the folder of the project whose dataset it uses, None for its own.
    """
    data = {**data, "manifest": {"path": project.settings.manifest.path, **data.get("manifest", {})}}
    for key, value in list(leaves(data)):
        if key in PATH_KEYS:
            lay_over(data, key.split("."), _moved(value, project, folder))
    lay_over(data, ["dataset", "of"], _from(folder, of, project) if of else "")
    return HEAD.format(title=title) + "".join(_tables(data))


def _moved(value: Any, project: Project, folder: Path) -> Any:
    """A relative path out of the project's file, as it is written in ``folder``."""
    if isinstance(value, list):
        return [_moved(item, project, folder) for item in value]
    if not isinstance(value, str) or value in ("", SHIPPED_BASE) or Path(value).expanduser().is_absolute():
        return value
    return _from(folder, project.paths.root / value, project)


def _from(folder: Path, target: Path, project: Project) -> str:
    """``target`` from ``folder``, where both move with the project; else in full."""
    real = folder.resolve()
    if real.is_relative_to(project.paths.root):
        return Path(os.path.relpath(target, real)).as_posix()
    return target.absolute().as_posix()


def _tables(data: Mapping[str, Any]) -> Iterator[str]:
    """A table a section; the keys of Kohya have one of their own."""
    for name, section in data.items():
        inner = section.get("kohya") if isinstance(section, Mapping) else None
        plain = {key: value for key, value in section.items() if key != "kohya" or not inner}
        yield f"\n[{name}]\n" + "".join(map(_line, plain.items()))
        if inner:
            yield f"\n[{name}.kohya]\n" + "".join(map(_line, inner.items()))


def _line(pair: tuple[str, Any]) -> str:
    """``key = value``, the key quoted where it has to be: an inline table without its braces."""
    return to_toml(dict([pair]))[2:-2] + "\n"
