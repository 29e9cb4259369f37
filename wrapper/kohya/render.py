"""Project file, dataset record and base model → the two Kohya TOMLs of a stage."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.building.build_settings import buckets_for
from dataset_tools.building.dataset import BuiltDataset, Subset, read_dataset
from dataset_tools.errors import UserError
from dataset_tools.files import write_text
from dataset_tools.wording import count_of
from wrapper.kohya.layers import Layers
from wrapper.kohya.pages import Entry, Table, dataset_page, is_sealed, train_page
from wrapper.kohya.presets import Preset, read_preset
from wrapper.project.layout import ProjectPaths
from wrapper.project.load import Project
from wrapper.project.schema import ProjectFile

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo

TITLES = {
    "stage_a": "Stage A: DreamBooth-LoRA with prior preservation",
    "stage_b": "Stage B: inpaint LoRA on image, mask and masked image",
}
_STEPS = 1600
"""sd-scripts' own ``max_train_steps``."""
_KINDS = {"sd15": "SD 1.5", "sdxl": "SDXL"}


@dataclass(frozen=True)
class Rendered:
    """Both files as text, for ``script`` and a base of ``kind``; ``origins`` says who set each key.

    ``needs`` says why only sd-scripts can train them, and is empty where either engine can.
    """

    stage: str
    kind: str
    script: str
    train_toml: str
    dataset_toml: str
    origins: dict[str, str]
    needs: str = ""


def render_stage(project: Project, stage: str) -> Rendered:
    """Render ``stage`` of a project whose dataset is built. Raises `UserError` for whatever is missing."""
    from wrapper.base_model.detect import resolve

    settings, inpaint = project.settings, stage == "stage_b"
    if not getattr(settings, stage).enabled:
        raise UserError(f"[{stage}] is not enabled.", f"Set enabled = true in [{stage}].")
    base = resolve(project.base(inpaint=inpaint), inpaint=inpaint, cache=project.paths.shared_cache)
    start = project.paths.lora("stage_a", settings.project.name)
    weights = start if inpaint and settings.stage_a.enabled else None
    dataset = read_dataset(project.paths.dataset)
    rendered = render(stage, settings, project.paths, dataset, base, weights, project.origins)
    if rendered.needs and settings.project.engine == "embedded":
        raise UserError(f"[{stage}]: {rendered.needs}.", "Set engine = 'sd-scripts', or take another preset.")
    return rendered


def render(
    stage: str,
    settings: ProjectFile,
    paths: ProjectPaths,
    dataset: BuiltDataset,
    base: BaseInfo,
    network_weights: Path | None = None,
    set_in: Mapping[str, str] | None = None,
) -> Rendered:
    """Render one stage; ``set_in`` maps ``stage_a.kohya.<key>`` to where the user set it.

    Raises `UserError` for a stage without images, and for keys that no trainer knows.
    """
    subsets = dataset.stages.get(stage)
    if not subsets:
        raise UserError(f"The built dataset has no images for {stage}.", "`lorawrap build` says why.")
    section = getattr(settings, stage)
    script = script_for(stage, base.kind)
    preset = read_preset(section.preset)
    layers = Layers(stage, script)
    layers.add(preset.values(stage, base.kind), f"preset {preset.name}")
    layers.add(_decided(stage, settings, paths, dataset, base, network_weights), "project")
    layers.add_user(section.kohya, set_in or {}, paths.root)
    _place_logs(layers, paths, stage)
    _save_now_and_then(layers, subsets, preset.checkpoints)
    needs = _needs(layers, preset, base.kind)
    general, inner = layers.dataset_tables()
    title = f"{TITLES[stage]}, on {_KINDS[base.kind]}, for {script}.py; preset: {preset.title}"
    title += f"\n# Needs sd-scripts: {needs}." if needs else ""
    tables = [_subset(subset, paths.dataset) for subset in subsets]
    return Rendered(
        stage,
        base.kind,
        script,
        train_page(title, stage, layers.train),
        dataset_page(title, stage, general, inner, tables),
        {key: value.origin for key, value in layers.values.items()},
        needs,
    )


def script_for(stage: str, kind: str) -> str:
    """Stage B trains with the inpaint script, Stage A with sd-scripts' own for the base's kind."""
    if stage == "stage_b":
        return "train_network_inpaint"
    return "sdxl_train_network" if kind == "sdxl" else "train_network"


def write(rendered: Rendered, paths: ProjectPaths) -> tuple[Path, Path]:
    """Write both files and return their paths; a file that was edited by hand is refused, not overwritten."""
    train, dataset = paths.train_toml(rendered.stage), paths.dataset_toml(rendered.stage)
    for path in (train, dataset):
        if path.exists() and not is_sealed(path.read_bytes().decode("utf-8", "replace")):
            raise UserError(
                f"{path}: was edited by hand, and rendering would lose that.",
                f"Put the change into [{rendered.stage}.kohya] of lorawrap.toml and remove the file.",
            )
    write_text(train, rendered.train_toml)
    write_text(dataset, rendered.dataset_toml)
    return train, dataset


def _decided(
    stage: str,
    settings: ProjectFile,
    paths: ProjectPaths,
    dataset: BuiltDataset,
    base: BaseInfo,
    network_weights: Path | None,
) -> dict[str, Any]:
    """The keys that follow from the project. TensorBoard is left out where it is not installed."""
    run = paths.next_run(stage)
    values = {
        "pretrained_model_name_or_path": base.path.resolve().as_posix(),
        "output_dir": run.output.resolve().as_posix(),
        "output_name": f"{settings.project.name}_{stage}",
        "logging_dir": run.tensorboard.resolve().as_posix(),
        "seed": settings.project.seed,
        "resolution": dataset.size,
        **_bucket_keys(dataset),
        "caption_extension": ".txt",
        "network_weights": network_weights.resolve().as_posix() if network_weights else None,
    }
    if importlib.util.find_spec("tensorboard") is None:
        values |= {"logging_dir": None, "log_with": None}
    return values


def _bucket_keys(dataset: BuiltDataset) -> dict[str, Any]:
    """Pictures that were cut to buckets are found to have these sizes, and are resized no more."""
    if dataset.shape == "square":
        return {}
    buckets = buckets_for(dataset.size, dataset.shape)
    return {
        "enable_bucket": True,
        "bucket_no_upscale": False,
        "min_bucket_reso": buckets.lowest,
        "max_bucket_reso": buckets.highest,
        "bucket_reso_steps": buckets.step,
    }


def _place_logs(layers: Layers, paths: ProjectPaths, stage: str) -> None:
    """Logs that the user asks for, though no TensorBoard is here, need their folder too."""
    if layers.get("log_with") and not layers.get("logging_dir"):
        folder = paths.next_run(stage).tensorboard
        layers.add({"logging_dir": folder.resolve().as_posix()}, "project")


def _save_now_and_then(layers: Layers, subsets: Sequence[Subset], checkpoints: int) -> None:
    """Without a word from preset or project, save often enough for about so many ``checkpoints``."""
    often = ("save_every_n_epochs", "save_every_n_steps", "save_n_epoch_ratio")
    if not checkpoints or any(layers.get(key) for key in often):
        return
    uses = sum(subset.num_repeats * subset.images for subset in subsets if not subset.is_reg)
    uses *= 2 if any(subset.is_reg for subset in subsets) else 1
    at_once = layers.get("batch_size") or layers.get("train_batch_size") or 1
    steps_per_epoch = math.ceil(uses / at_once / (layers.get("gradient_accumulation_steps") or 1))
    steps = layers.get("max_train_steps") or _STEPS
    epochs = layers.get("max_train_epochs") or steps // max(steps_per_epoch, 1)
    layers.add({"save_every_n_epochs": max(1, epochs // checkpoints)}, f"about {checkpoints} checkpoints")


def _needs(layers: Layers, preset: Preset, kind: str) -> str:
    """Why only sd-scripts can train this, where the preset's own value is the reason."""
    reasons = [reason for key, reason in preset.needs.get(kind, {}).items() if layers.get(key)]
    return reasons[0] if reasons else ""


def _subset(subset: Subset, folder: Path) -> Table:
    """Folders are absolute. sd-scripts allows no class tokens beside masks."""
    values: dict[str, Any] = {"image_dir": (folder / subset.image_dir).resolve().as_posix()}
    if subset.mask_dir is not None:
        values["conditioning_data_dir"] = (folder / subset.mask_dir).resolve().as_posix()
    else:
        values["class_tokens"] = subset.class_tokens
    values["num_repeats"] = subset.num_repeats
    if subset.is_reg:
        values["is_reg"] = True
    title = f"{' '.join(subset.bucket.split())}: {count_of(subset.images, 'image')}"
    return Table(title, [Entry(key, value) for key, value in values.items()])
