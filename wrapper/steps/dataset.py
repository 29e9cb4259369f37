"""The project's dataset: its settings as a build takes them, its plan, its folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError
from wrapper.project.layout import STAGES

if TYPE_CHECKING:
    from dataset_tools.building.build import BuildPlan, BuildSettings
    from dataset_tools.building.dataset import BuiltDataset
    from wrapper.project.load import Project

ANSWERS = "answers.sqlite"
"""Its name in a project's cache."""


def build_settings(project: Project) -> BuildSettings:
    """``lorawrap.toml`` as a build takes it."""
    from dataset_tools.building.build import BuildSettings

    file = project.settings
    return BuildSettings(
        size=file.crop.size,
        shape=file.crop.shape,
        context=file.crop.context,
        mask_source=file.masks.source,
        dilate_px=file.masks.dilate_px,
        sam_model=_model_path(project, file.masks.sam_model),
        caption_source=file.captions.source,
        template=file.captions.template,
        trigger=file.captions.trigger,
        class_word=file.captions.class_word,
        blip_model=_model_path(project, file.captions.blip_model),
        balance_by=tuple(file.balance.by),
        shares=file.balance.shares,
        max_repeats=file.balance.max_repeats,
        epoch_images=file.balance.epoch_images,
        max_images=file.balance.max_images,
        holdout=file.dataset.holdout,
        holdout_share=file.dataset.holdout_share,
        seed=file.project.seed,
        mirror=file.dataset.mirror,
        relight=file.dataset.relight,
        keep_warned=file.qc.keep_warned,
        stages=tuple(stage for stage in STAGES if getattr(file, stage).enabled),
    )


def plan_dataset(project: Project, *, generate: bool = True) -> BuildPlan:
    """Plan the dataset from the manifest and its QC results; raises `UserError` when QC was not run.

    With ``generate`` off no class images are generated, only those of a folder are planned.
    """
    from dataset_tools.building.build import plan
    from dataset_tools.known_answers import known_answers
    from dataset_tools.known_contents import known_contents
    from dataset_tools.manifests.manifest import read_manifest
    from dataset_tools.quality.measured_store import CACHE
    from dataset_tools.quality.qc_report import each_record
    from dataset_tools.quality.since import changed_since

    file = project.settings.manifest
    manifest = read_manifest(project.path(file.path), file.defaults)
    results = project.paths.qc / "qc.jsonl"
    if not results.is_file():
        raise UserError(f"{results}: the images have not been through QC.", "Run 'lorawrap qc' first.")
    finder = partial(class_images, project, generate=generate)
    cache = project.paths.qc / CACHE
    with (
        known_contents(cache, keep=generate) as known,
        known_answers(project.paths.cache / ANSWERS, keep=generate) as ask,
        changed_since(results, cache) as changed,
    ):
        settings = build_settings(project)
        return plan(manifest, each_record(results), settings, finder, known.of, changed, ask)


def class_images(project: Project, needed: int = 0, *, generate: bool = True) -> list[Path]:
    """The class images that the project asks for: so many as it says, else ``needed`` (0: all in the folder).

    With ``generate`` off none are generated.
    """
    from dataset_tools.building.regularisation import find_regularisation

    asked = project.settings.regularisation
    if asked.source == "none" or not project.settings.stage_a.enabled:
        return []
    if asked.source == "folder":
        return find_regularisation(project.path(asked.folder), asked.count or needed)
    if not generate:
        return []
    from wrapper.steps.regularisation import images

    return images(project, asked.count or needed)


def build_dataset(project: Project) -> BuiltDataset:
    """Plan and write ``dataset/``; nothing is written when it is up to date."""
    from dataset_tools.building.build import apply

    return apply(plan_dataset(project), project.paths.dataset)


def _model_path(project: Project, value: str) -> str:
    return str(project.path(value)) if value else ""
