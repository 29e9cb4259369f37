"""From a LoRA file to what a program loads: written beside, read back, proved, and only then put in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import RunFailed, UserError
from dataset_tools.files import content_hash
from wrapper.export.architecture import full_size_layers
from wrapper.export.delivery import Item, Wish, items, size_note, workflow
from wrapper.export.graphs import graph_faults
from wrapper.export.names import check_name
from wrapper.export.placing import place, refuse_collisions, staging
from wrapper.export.proof import Proof, prove_file
from wrapper.export.source import Source, read_source
from wrapper.export.targets import TITLES, TargetName

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo


@dataclass(frozen=True)
class ExportedFile:
    """One delivered file; ``path`` is where it lies now."""

    target: TargetName
    path: Path
    role: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Exported:
    """One delivered LoRA, and what was proved of it. ``notes`` are sentences for the user."""

    wish: Wish
    kind: str
    files: list[ExportedFile]
    proofs: list[Proof]
    notes: list[str]


@dataclass(frozen=True)
class Order:
    """One LoRA to be delivered; ``base`` is what it is to be proved on."""

    wish: Wish
    base: BaseInfo | None = None


@dataclass(frozen=True)
class _Staged:
    target: TargetName
    item: Item
    path: Path
    final: Path


@dataclass(frozen=True)
class _Prepared:
    order: Order
    source: Source
    items: list[tuple[TargetName, Item]]


def export(
    orders: Sequence[Order], destinations: Mapping[TargetName, Path], *, force: bool = False
) -> list[Exported]:
    """Deliver LoRAs into each target's own folder. Either every file of all of them appears, or none.

    Raises `UserError` for a source that cannot be exported, a name that does not work or files that are
    already there (without ``force``); `RunFailed` when a proof fails.
    """
    prepared = [_prepare(order, destinations, force) for order in orders]
    with staging(next(iter(destinations.values()))) as folder:
        done, moves = [], []
        for one in prepared:
            staged = [_Staged(t, i, folder / t / i.path, destinations[t] / i.path) for t, i in one.items]
            done.append(_deliver(one, staged))
            moves += [(file.path, file.final) for file in staged]
        place(moves)
    return done


def _prepare(order: Order, destinations: Mapping[TargetName, Path], force: bool) -> _Prepared:
    """Everything that can be refused before a byte is written."""
    wish = order.wish
    check_name(wish.name)
    source = read_source(wish.source)
    _refuse_other_kind(source, order.base)
    wanted = [(target, item) for target in destinations for item in items(wish, source, target)]
    refuse_collisions(wish.name, destinations, [destinations[t] / item.path for t, item in wanted], force)
    return _Prepared(order, source, wanted)


def _deliver(one: _Prepared, staged: Sequence[_Staged]) -> Exported:
    """Write one LoRA's files beside their places, and prove them there."""
    wish, source = one.order.wish, one.source
    for file in staged:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.item.write(file.path)
    proofs = _prove(wish, source, one.order.base, staged)
    files = [_exported_file(file) for file in staged]
    return Exported(wish, source.kind, files, proofs, _notes(wish, source))


def _refuse_other_kind(source: Source, base: BaseInfo | None) -> None:
    if base is not None and base.kind != source.kind:
        raise UserError(
            f"{source.path}: is a LoRA for {TITLES[source.kind]}, but {base.path} is {TITLES[base.kind]}.",
            "Give the base model that it was trained on.",
        )


def _prove(wish: Wish, source: Source, base: BaseInfo | None, staged: Sequence[_Staged]) -> list[Proof]:
    """Every proof, of the files as they were written; raises `RunFailed` with those that failed."""
    loras = [file.path for file in staged if file.item.role == "LoRA"]
    proofs = _prove_layers(wish, source, base, loras[0])
    if len(loras) > 1:
        same = {content_hash(path) for path in loras}
        proofs.append(Proof("the same file for every program", len(same) == 1, f"SHA-256 {min(same)[:12]}…"))
    if any(file.target == "comfyui" for file in staged):
        proofs.append(_prove_workflows(wish, source))
    failed = [proof for proof in proofs if not proof.passed]
    if failed:
        lines = "\n".join(f"  {proof.what}: {proof.detail}" for proof in failed)
        raise RunFailed(
            f"{wish.source}: the export does not hold, so nothing was delivered.\n{lines}", _hint(base)
        )
    return proofs


def _hint(base: BaseInfo | None) -> str:
    return "" if base else "A LoRA for a base of another size needs that base: give --base."


def _prove_layers(wish: Wish, source: Source, base: BaseInfo | None, path: Path) -> list[Proof]:
    if base is None:
        return prove_file(path, source, wish.name, full_size_layers(source.kind), TITLES[source.kind])
    from wrapper.export.base import base_layers, load_base, prove_picture

    pipeline = load_base(base)
    title = f"its base '{base.path.name}' ({TITLES[base.kind]})"
    proofs = prove_file(path, source, wish.name, base_layers(pipeline), title)
    if all(proof.passed for proof in proofs):
        proofs.append(prove_picture(pipeline, base, path, wish.prompt or wish.trigger))
    return proofs


def _prove_workflows(wish: Wish, source: Source) -> Proof:
    faults = [fault for use in wish.uses for fault in graph_faults(workflow(wish, source, use))]
    detail = "; ".join(faults) or f"{' and '.join(wish.uses)}: every node, input and link"
    return Proof("ComfyUI's workflows hold together", not faults, detail)


def _exported_file(file: _Staged) -> ExportedFile:
    size = file.path.stat().st_size
    return ExportedFile(file.target, file.final, file.item.role, size, content_hash(file.path))


def _notes(wish: Wish, source: Source) -> list[str]:
    notes = [wish.origin, size_note(source)]
    if wish.preview is None:
        notes.append("No preview picture: there is none to take (give one with --preview).")
    return [note for note in notes if note]
