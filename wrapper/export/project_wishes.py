"""What a project's LoRAs are delivered with: words, sampling settings and pictures of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.building.dataset import RECORD_FILE, read_dataset
from dataset_tools.errors import UserError
from dataset_tools.manifests.safety import refuse_prompt
from wrapper.export.takes import take_checkpoints
from wrapper.export.targets import Use
from wrapper.export.wish import Wish, WorkflowName
from wrapper.project.layout import STAGES

if TYPE_CHECKING:
    from wrapper.project.load import Project

USES: Mapping[str, Use] = {"stage_a": "txt2img", "stage_b": "inpaint"}
WORKFLOWS: Mapping[str, tuple[WorkflowName, ...]] = {
    "stage_a": ("txt2img", "inpaint_plain"),
    "stage_b": ("inpaint",),
}
"""Stage B may be for the ear of a patient under age: there is no txt2img of that."""


def project_wishes(
    project: Project, name: str, preview: Path | None = None, checkpoint: str | None = None
) -> dict[str, Wish]:
    """What is to be delivered, by stage. Raises `UserError` without a trained LoRA."""
    settings = project.settings
    trained = {stage: project.paths.lora(stage, settings.project.name) for stage in STAGES}
    trained = {stage: path for stage, path in trained.items() if path.is_file()}
    if not trained:
        raise UserError(f"{project.paths.loras}: no trained LoRA to export.", "Run `lorawrap train` first.")
    wishes = {}
    taken = take_checkpoints(project, list(trained), checkpoint)
    for stage, source in taken.items():
        pictures = _pictures(project, stage, source.path)
        if preview:
            pictures["preview"] = preview
        asked = {**_common(project, stage), **pictures}
        made_for = {"uses": (USES[stage],), "workflows": WORKFLOWS[stage]}
        wishes[stage] = Wish(source.path, f"{name}_{stage}", origin=source.why, **made_for, **asked)
    return wishes


def _common(project: Project, stage: str) -> dict[str, Any]:
    """Text and sampling settings, as the project's own pictures were made."""
    settings = project.settings
    how = settings.inpaint if stage == "stage_b" else settings.generate
    prompt = settings.generate.prompts[0] if settings.generate.prompts else ""
    if stage == "stage_b":
        prompt = _held_out_caption(project) or prompt
    else:
        refuse_prompt(prompt)
    return {
        "precision": settings.export.precision,
        "trigger": f"{settings.captions.trigger} {settings.captions.class_word}",
        "description": settings.export.description,
        "notes": settings.export.notes,
        "prompt": prompt,
        "negative": settings.export.negative or settings.generate.negative,
        "weight": settings.export.weight,
        "sampler": how.sampler,
        "steps": how.steps,
        "cfg": how.cfg,
        "strength": settings.inpaint.strength,
        "seed": (settings.generate.seeds or [1])[0],
        "size_px": settings.generate.width,
    }


def _held_out_caption(project: Project) -> str:
    held = _held_out(project)
    return held.caption if held else ""


def _held_out(project: Project) -> Any:
    """The first held-out image with a mask, or None."""
    folder = project.paths.dataset
    if not (folder / RECORD_FILE).is_file():
        return None
    return next((held for held in read_dataset(folder).holdout if held.mask), None)


def _pictures(project: Project, stage: str, source: Path) -> dict[str, Any]:
    """A picture made with this stage's LoRA, and an image with its hole to try it on."""
    from wrapper.records import read_json, read_list

    paths = project.paths
    if stage == "stage_a":
        shots = read_list(paths.images / "txt2img.json")
        found = [paths.images / shot["lora"] for shot in shots if shot["lora"].endswith(f"_{stage}.png")]
        return _first("preview", found)
    evaluation = read_json(paths.evaluation) or {}
    shown = [paths.root / row[stage] for row in evaluation.get("pictures", []) if stage in row]
    own = source == paths.lora(stage, project.settings.project.name)
    pictures = _first("preview", shown if own else _painted_by(source, evaluation, paths.root))
    held = _held_out(project)
    if held:
        pictures["example"] = (paths.dataset / held.image, paths.dataset / held.mask)
    return pictures


def _painted_by(source: Path, evaluation: Mapping[str, Any], root: Path) -> list[Path]:
    """The pictures that a checkpoint painted when it was measured."""
    some = [one for stage in evaluation.get("checkpoints", {}).values() for one in stage]
    rows = [row for one in some if root / one["file"] == source for row in one["per_image"]]
    return [root / row["picture"] for row in rows if row["picture"]]


def _first(key: str, found: Sequence[Path]) -> dict[str, Any]:
    there = [path for path in found if path.is_file()]
    return {key: there[0]} if there else {}
