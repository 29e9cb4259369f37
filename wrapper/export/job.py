"""A project's LoRAs, delivered for the project's targets, and the record of it for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dataset_tools.building.dataset import RECORD_FILE, read_dataset
from dataset_tools.errors import UserError
from dataset_tools.files import write_json
from dataset_tools.manifests.safety import refuse_prompt
from wrapper.export.export import Exported, export
from wrapper.export.places.program_folder import Place, find_place, own_place, refuse_program_folder
from wrapper.export.plan import Order, Plan, plan_export
from wrapper.export.takes import take_checkpoints
from wrapper.export.targets import TargetName, Use
from wrapper.export.wish import Wish, WorkflowName
from wrapper.project.layout import STAGES

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.project.load import Project

RECORD = "export.json"
USES: Mapping[str, Use] = {"stage_a": "txt2img", "stage_b": "inpaint"}
WORKFLOWS: Mapping[str, tuple[WorkflowName, ...]] = {
    "stage_a": ("txt2img", "inpaint_plain"),
    "stage_b": ("inpaint",),
}
"""Stage B may be for the ear of a patient under age: there is no txt2img of that."""


class Job(NamedTuple):
    """``own`` is the project's own export folder, which may be written over; None for any other place."""

    orders: list[Order]
    places: list[Place]
    own: Path | None = None

    def plan(self, *, force: bool) -> Plan:
        """What `run` would do."""
        return plan_export(self.orders, self.places, force=force or self.own is not None)

    def run(self, *, force: bool = False) -> list[Exported]:
        """Deliver; the project's own folder gets ``export.json``."""
        done = export(self.orders, self.places, force=force or self.own is not None)
        if self.own is not None:
            write_json(self.own / RECORD, record(done, self.own))
        return done


def export_project(project: Project, targets: Sequence[TargetName]) -> list[Exported]:
    """Deliver every trained stage's LoRA into the project's own ``export/<target>/``."""
    return project_job(project, targets).run()


def project_job(
    project: Project,
    targets: Sequence[TargetName],
    dests: Sequence[Path] = (),
    *,
    subfolder: str = "",
    **asked: Any,
) -> Job:
    """Every trained stage's LoRA into the project's own folder, or where ``dests`` lead.

    ``asked`` are those of `project_orders`. Raises `UserError` when nothing was trained.
    """
    own = None if dests else project.paths.export
    return Job(project_orders(project, **asked), project_places(project, targets, dests, subfolder), own)


def project_places(
    project: Project, targets: Sequence[TargetName], dests: Sequence[Path], subfolder: str
) -> list[Place]:
    """Where the project's LoRAs go: into its own folder, or where ``dests`` lead."""
    if dests:
        return find_places(targets, dests, subfolder)
    own = project.paths.export
    return [own_place(target, own / target, subfolder) for target in targets]


def find_places(targets: Sequence[TargetName], dests: Sequence[Path], subfolder: str = "") -> list[Place]:
    """A folder for each target; one for several means ``<folder>/<target>`` each. Raises `UserError`."""
    if len(dests) not in (1, len(targets)):
        raise UserError(
            f"{len(targets)} targets and {len(dests)} folders do not go together.",
            "Give --dest once (with several targets each gets a folder in it), or once for each --to.",
        )
    if len(dests) == 1 and len(targets) > 1:
        refuse_program_folder(targets, dests[0])
        dests = [dests[0] / target for target in targets]
    return [find_place(target, dest, subfolder) for target, dest in zip(targets, dests, strict=True)]


def project_orders(
    project: Project,
    *,
    name: str | None = None,
    preview: Path | None = None,
    checkpoint: str | None = None,
    **words: Any,
) -> list[Order]:
    """Every trained stage's LoRA, to be proved on its own base.

    A stage's chosen checkpoint is taken, unless ``checkpoint`` says ``last`` or names a file. ``words`` are
    fields of `Wish` that stand over the project's own.
    """
    from wrapper.diffusion.pipelines.opening import project_base

    wishes = project_wishes(project, name or project.settings.project.name, preview, checkpoint)
    orders = []
    for stage, wish in wishes.items():
        base = project_base(project, USES[stage])
        orders.append(Order(replace(with_checkpoint(wish, base), **words), base))
    return orders


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


def with_checkpoint(wish: Wish, base: BaseInfo) -> Wish:
    """``wish`` with the base's own file name in the workflows that are for it, where the base is one file."""
    if not base.single_file:
        return wish
    use: Use = "inpaint" if base.inpaint else "txt2img"
    return replace(wish, checkpoints={use: base.path.name})


def record(done: Sequence[Exported], folder: Path) -> dict[str, Any]:
    """``export.json``: per LoRA its files (paths below ``folder``), proofs and notes."""
    return {
        "loras": [
            {
                "name": exported.wish.name,
                "kind": exported.kind,
                "spelling": exported.spelling,
                "uses": list(exported.wish.uses),
                "workflows": list(exported.wish.workflows),
                "precision": exported.wish.precision,
                "trigger": exported.wish.trigger,
                "weight": exported.wish.weight,
                "source": exported.wish.source.name,
                "origin": exported.wish.origin,
                "files": [
                    {**asdict(file), "path": file.path.relative_to(folder).as_posix()}
                    for file in exported.files
                ],
                "proofs": [asdict(proof) for proof in exported.proofs],
                "notes": exported.notes,
            }
            for exported in done
        ]
    }
