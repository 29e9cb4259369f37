"""A project's LoRAs, delivered for the project's targets, and the record of it for the report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dataset_tools.errors import UserError
from dataset_tools.files import write_json
from wrapper.export.export import Exported, export
from wrapper.export.places.program_folder import Place, find_place, own_place, refuse_program_folder
from wrapper.export.plan import Order, Plan, plan_export
from wrapper.export.project_wishes import USES, project_wishes
from wrapper.export.targets import TargetName, Use
from wrapper.export.wish import Wish

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.project.load import Project

RECORD = "export.json"
SHELL_APOSTROPHE = """'"'"'"""
"""What `shlex.quote` makes of one."""


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


def with_checkpoint(wish: Wish, base: BaseInfo) -> Wish:
    """``wish`` with the base's own file name in the workflows that are for it, where the base is one file."""
    if not base.single_file:
        return wish
    use: Use = "inpaint" if base.inpaint else "txt2img"
    return replace(wish, checkpoints={use: base.path.name})


def record(done: Sequence[Exported], folder: Path) -> dict[str, Any]:
    """``export.json``: per LoRA its files, proofs and notes; every path is told below ``folder``."""
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
                "notes": [_below(folder, note) for note in exported.notes],
            }
            for exported in done
        ]
    }


def _below(folder: Path, note: str) -> str:
    """``note`` with paths told from ``folder`` on, those in a shell's quotes too."""
    start = f"{folder}{os.sep}"
    for told in (start, start.replace("'", SHELL_APOSTROPHE)):
        note = note.replace(told, f"{folder.name}/")
    return note
