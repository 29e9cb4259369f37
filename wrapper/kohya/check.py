"""Would this train what it says? Both files and all that they name, checked before the launch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wrapper.kohya.check_fights import check_fights
from wrapper.kohya.check_images import check_folders
from wrapper.kohya.check_models import check_models
from wrapper.kohya.check_options import Engine, check_dataset_keys, check_train_keys
from wrapper.kohya.located import Located, read_located
from wrapper.kohya.report import Findings, Report
from wrapper.kohya.steps import StepCount, count_steps
from wrapper.kohya.subsets import subset_views


def check(
    train_toml: Path,
    dataset_toml: Path | None,
    script: str,
    engine: Engine = "embedded",
    *,
    models: bool = True,
) -> Report:
    """Check a training file and its dataset file for ``script`` (``train_network``, …).

    ``dataset_toml`` None takes the one that the training file names. ``models=False`` leaves out whether base
    model and starting weights are there. Raises `UserError` only for a file that cannot be read at all.
    """
    findings = Findings()
    train = read_located(train_toml)
    values = check_train_keys(train, script, engine, findings)
    named = dataset_toml or (Path(str(values["dataset_config"])) if values.get("dataset_config") else None)
    if models:
        check_models(train, values, script, engine, findings)
    if named is None:
        text = "no dataset file is given."
        findings.error(train.where(), text, "Give --dataset-config, or set dataset_config.")
        return Report(findings.errors, findings.warnings, count_steps([]), values)
    steps = _check_dataset(train, values, read_located(named), script, engine, findings)
    return Report(findings.errors, findings.warnings, steps, values)


def _check_dataset(
    train: Located, values: dict[str, Any], dataset: Located, script: str, engine: Engine, findings: Findings
) -> StepCount:
    check_dataset_keys(dataset, script, engine, findings)
    views = subset_views(dataset, values)
    check_fights(train, values, views, script, engine, findings)
    uses = check_folders(views, findings)
    steps = count_steps(
        uses,
        _count(values.get("max_train_steps"), 1600),
        _count(values.get("max_train_epochs"), 0) or None,
        _count(values.get("gradient_accumulation_steps"), 1),
    )
    if not steps.uses and not findings.errors:
        findings.error(dataset.where(), "there are no images to train on.")
    return steps


def _count(value: Any, otherwise: int) -> int:
    return value if type(value) is int and value > 0 else otherwise
