"""Is a run still what would be begun now? Its own files, and what it is made from, against today's."""

from __future__ import annotations

from typing import Any

from dataset_tools.files import content_hash, data_hash
from wrapper.contents import HASHES, Contents
from wrapper.kohya.render import Rendered
from wrapper.project.layout import ProjectPaths, RunPaths
from wrapper.runs.inputs import changes, input_hashes
from wrapper.runs.record import read_object, read_record
from wrapper.runs.settings import differences, run_settings, settings

MOST_INPUTS_BYTES = 1 << 30
"""It has a line for each image, mask and caption."""


def hashes(paths: ProjectPaths, values: Any, run: RunPaths) -> dict[str, Any]:
    """The hashes of what ``run`` is made from, as they are now."""
    contents = Contents(paths.shared_cache / HASHES, *paths.roots)
    return input_hashes(values, run.dataset_toml, contents)


def file_hashes(run: RunPaths) -> dict[str, str]:
    """The hashes of the run's two files."""
    return {path.name: content_hash(path) for path in (run.train_toml, run.dataset_toml)}


def summary(inputs: dict[str, Any]) -> dict[str, Any]:
    """``inputs`` as the record has it: each model's hash, and one hash of all files."""
    return {**inputs, "files": {"count": len(inputs["files"]), "sha256": data_hash(inputs["files"])}}


def changed_since(paths: ProjectPaths, run: RunPaths, values: Any) -> list[str]:
    """What changed since ``run`` began, one clause each; ``values`` are its training file's."""
    before = read_record(run.record).get("config", {})
    now = file_hashes(run)
    edited = [f"{name} was edited" for name in now if before.get(name) != now[name]]
    return edited + changes(read_object(run.inputs, MOST_INPUTS_BYTES), hashes(paths, values, run))


def setting_changes(paths: ProjectPaths, run: RunPaths, rendered: Rendered) -> list[str]:
    """The settings in which ``run`` differs from what would be rendered now: ``network_dim 8 → 16``."""
    was = run_settings(run, *paths.roots)
    now = settings(rendered.train_toml, rendered.dataset_toml, *paths.roots)
    return [f"{key} {old} → {new}" for key, old, new in differences(was, now)]
