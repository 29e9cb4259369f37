"""Would this train what it says? Both files and all that they name, checked before the launch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wrapper.kohya.checks.dataset import check_dataset_keys
from wrapper.kohya.checks.fights import check_fights
from wrapper.kohya.checks.images import check_folders
from wrapper.kohya.checks.memory import check_memory
from wrapper.kohya.checks.metadata import check_metadata
from wrapper.kohya.checks.models import check_models
from wrapper.kohya.checks.names import check_names
from wrapper.kohya.checks.options import Engine, check_train_keys
from wrapper.kohya.located import Located, read_located, with_suffix
from wrapper.kohya.report import Findings, Report
from wrapper.kohya.sources import dataset_path, folder_views, read_dataset
from wrapper.kohya.steps import DatasetUse, StepCount, count_steps
from wrapper.kohya.subsets import SubsetView, subset_views
from wrapper.kohya.validation import check_held_out, split_uses


def check(
    train_toml: Path,
    dataset_toml: Path | None,
    script: str,
    engine: Engine = "embedded",
    *,
    models: bool = True,
    base: bool = True,
    processes: int = 1,
    gpu_gib: float | None = None,
) -> Report:
    """Check a training file and its dataset file for ``script`` (``train_network``, …).

    ``dataset_toml`` None takes the one that the training file names, or the folders that it names instead.
    ``base=False`` leaves out whether the base model is there, ``models=False`` starting weights and prompts
    too. ``processes`` is the number of GPUs, ``gpu_gib`` what one of them holds. Raises `UserError` for a
    training file that cannot be read at all.
    """
    findings = Findings()
    train = read_located(with_suffix(train_toml))
    values = check_train_keys(train, script, engine, findings)
    if engine == "sd-scripts":
        check_names(train, values, script, findings)
    if models:
        check_models(train, values, script, engine, findings, base=base)
    if values.get("dataset_class") and engine == "sd-scripts":
        text = "'dataset_class' reads the images: nothing of them is checked."
        findings.warn(train.where_key("dataset_class"), text)
        return Report(findings.errors, findings.warnings, count_steps([]), values)
    views = _views(train, values, dataset_toml, script, engine, findings)
    check_fights(train, values, views, script, engine, findings)
    foreseen = check_memory(train, values, views, script, findings, gpu_gib)
    steps = _count(train, values, _uses(views, values, script, findings), processes, findings)
    return Report(findings.errors, findings.warnings, steps, values, foreseen)


def _views(
    train: Located,
    values: Mapping[str, Any],
    given: Path | None,
    script: str,
    engine: Engine,
    findings: Findings,
) -> list[SubsetView]:
    path = dataset_path(train, values, given, findings)
    if path is not None:
        dataset = read_dataset(train, path, findings)
        if dataset is None:
            return []
        check_dataset_keys(dataset, script, engine, findings)
        return subset_views(dataset, values)
    if engine == "sd-scripts":
        return folder_views(train, values, findings)
    text = "no dataset file is given."
    findings.error(train.where(), text, "Give --dataset-config, or set dataset_config.")
    return []


def _uses(
    views: Sequence[SubsetView], values: Mapping[str, Any], script: str, findings: Findings
) -> list[DatasetUse]:
    """What an epoch uses of each dataset."""
    listed = [view for view in views if view.flavour == "metadata"]
    in_folders = [view for view in views if view.flavour != "metadata"]
    check_held_out(in_folders, findings)
    uses = split_uses(check_folders(in_folders, findings, script), in_folders, values)
    first = {view.dataset: view for view in reversed(listed)}
    for number, images in check_metadata(listed, findings).items():
        if buckets := first[number].buckets():
            uses.append(DatasetUse(images, buckets, first[number].batch_size))
    return uses


def _count(
    train: Located,
    values: Mapping[str, Any],
    uses: Sequence[DatasetUse],
    processes: int,
    findings: Findings,
) -> StepCount:
    steps = count_steps(
        uses,
        _number(values.get("max_train_steps"), 1600),
        _number(values.get("max_train_epochs"), 0) or None,
        _number(values.get("gradient_accumulation_steps"), 1),
        processes,
    )
    spare = sum(image.is_reg for use in uses for image in use.images) - steps.reg_images
    if spare > 0:
        text = f"{spare} regularisation images are not used: as many are as training images with repeats."
        findings.warn(train.where(), text)
    if not steps.uses and not findings.errors:
        findings.error(train.where(), "there are no images to train on.")
    skipped = (_number(values.get("initial_epoch"), 1) - 1) * steps.steps_per_epoch
    if skipped and skipped >= steps.steps and not values.get("initial_step"):
        text = f"'initial_epoch' begins after {skipped} steps, and there are {steps.steps}."
        findings.error(train.where_key("initial_epoch"), text)
    return steps


def _number(value: Any, otherwise: int) -> int:
    return value if type(value) is int and value > 0 else otherwise
