"""Which dataset each trial uses: the project's own, or one of the sweep's where its settings need another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import copyfile
from typing import Any

from dataset_tools.building.dataset import RECORD_FILE
from dataset_tools.files import data_hash, link_or_copy, whole_file
from wrapper.kohya.presets import read_preset
from wrapper.project.layout import STAGES, ProjectPaths
from wrapper.project.schema import ProjectFile, StageSection

DATASETS = "datasets"
"""Below the sweep's folder: a project for each combination of data settings that is not the parent's."""
CACHING = ("cache_latents_to_disk", "cache_text_encoder_outputs_to_disk", "cache_info")
"""Kohya keys with which sd-scripts writes beside the images, and reads there what another run wrote."""
_SECTIONS = ("manifest", "qc", "crop", "masks", "captions", "balance", "dataset", "regularisation")


def data_settings(file: ProjectFile) -> dict[str, Any]:
    """Everything in a project file that QC and build depend on."""
    told = {name: getattr(file, name).model_dump(mode="json") for name in _SECTIONS}
    del told["dataset"]["of"]
    told["seed"] = file.project.seed
    told["stages"] = [stage for stage in STAGES if getattr(file, stage).enabled]
    if file.regularisation.source == "generate":
        told["class images by"] = [file.base.model, file.generate.cfg]
    return told


def dataset_of(parent: ProjectFile, trial: ProjectFile, settings: Mapping[str, Any]) -> str:
    """The name of the dataset that a trial needs, empty for the project's own.

    A trainer that caches beside the images believes what it finds there, whatever it was made with: such a
    trial shares its dataset with no other.
    """
    own = data_settings(trial)
    if _caches_beside_images(trial):
        return data_hash([own, dict(settings)])[:8]
    return "" if own == data_settings(parent) else data_hash(own)[:8]


def _caches_beside_images(file: ProjectFile) -> bool:
    """The embedded trainer keeps its caches by their contents, in a folder of their own."""
    stages = [getattr(file, stage) for stage in STAGES]
    asked = any(_is_on(stage, key) for stage in stages if stage.enabled for key in CACHING)
    return asked and file.project.engine != "embedded"


def _is_on(stage: StageSection, key: str) -> bool:
    presets = any(table.get(key) for table in read_preset(stage.preset).tables.values())
    return bool(stage.kohya.get(key, presets))


def is_built(paths: ProjectPaths) -> bool:
    return (paths.dataset / RECORD_FILE).is_file()


def take_over(paths: ProjectPaths, others: Sequence[ProjectPaths]) -> None:
    """Whatever the first of ``others`` that was through QC has measured of the pictures, and drawn."""
    from dataset_tools.quality.measured_store import CACHE
    from dataset_tools.quality.page.thumbnails import FOLDER

    other = next((one for one in others if (one.qc / CACHE).is_file()), others[0])
    _copy(other.qc / CACHE, paths.qc / CACHE)
    _link_all(other.qc / FOLDER, paths.qc / FOLDER)
    _link_all(other.shared_cache / "regularisation", paths.cache / "regularisation")


def take_answers(paths: ProjectPaths, others: Sequence[ProjectPaths]) -> None:
    """What models said of the pictures to the last of ``others`` that was built."""
    from wrapper.steps.dataset import ANSWERS

    known = [one.cache / ANSWERS for one in others if (one.cache / ANSWERS).is_file()]
    if known:
        _copy(known[-1], paths.cache / ANSWERS)


def _copy(source: Path, target: Path) -> None:
    if source.is_file() and not target.exists():
        with whole_file(target) as temporary:
            copyfile(source, temporary)


def _link_all(source: Path, target: Path) -> None:
    """Pictures that are never changed, only replaced; those that are there stay."""
    for picture in source.rglob("*") if source.is_dir() else ():
        copy = target / picture.relative_to(source)
        if picture.is_file() and not copy.exists():
            link_or_copy(picture, copy)


def project_folder(sweep: Path, name: str) -> Path:
    """Where the sweep's dataset ``name`` lies."""
    return sweep / DATASETS / name
