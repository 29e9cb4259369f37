"""From a LoRA file to what a program loads: written beside, read back, proved, and only then put in place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from dataset_tools.files import content_hash
from dataset_tools.progress import progress
from dataset_tools.wording import count_of
from wrapper.export.delivery import LORA, Item
from wrapper.export.places.placing import Move, clear_leftovers, place, staging
from wrapper.export.places.program_folder import Place
from wrapper.export.plan import Order, Planned, plan_export
from wrapper.export.proofs.proof import Proof
from wrapper.export.proving import NOT_DRAWN, prove
from wrapper.export.targets import TargetName

if TYPE_CHECKING:
    from wrapper.export.wish import Wish

LARGE_BYTES = 100_000_000
"""A LoRA of this size takes long enough to say how far it is."""


@dataclass(frozen=True)
class ExportedFile:
    """One delivered file; ``path`` is where it lies now, ``target`` is the first of ``targets`` to read it.

    ``hashes``: a LoRA's, as programs compute them.
    """

    target: TargetName
    targets: tuple[TargetName, ...]
    path: Path
    role: str
    bytes: int
    sha256: str
    hashes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Exported:
    """One delivered LoRA, and what was proved of it. ``notes`` are sentences for the user.

    ``taken_back``: one on what an export that was killed had left, told once and in no record.
    """

    wish: Wish
    kind: str
    spelling: str
    files: list[ExportedFile]
    proofs: list[Proof]
    notes: list[str]
    taken_back: str = ""


def export(orders: Sequence[Order], places: Sequence[Place], *, force: bool = False) -> list[Exported]:
    """Deliver LoRAs into each target's own folder. Either every file of all of them appears, or none.

    Raises `UserError` for a source that cannot be exported, a name that does not work or files that are
    already there (without ``force``); `RunFailed` when a proof fails.
    """
    taken = [path for root in {one.root for one in places} for path in clear_leftovers(root)]
    plan = plan_export(orders, places, force=force)
    plan.raise_if_refused()
    with ExitStack() as stack:
        roots = dict.fromkeys(one.root for one in plan.places)
        folder, *_ = [stack.enter_context(staging(root)) for root in roots]
        done, moves = [], []
        for number, one in enumerate(plan.loras):
            exported, new = _deliver(one, folder / str(number))
            done.append(exported)
            moves += new
        place(folder, moves, replace=force)
    if taken:
        told = f"An export that was killed had left {count_of(len(taken), 'file')}: taken back."
        done[0] = replace(done[0], taken_back=told)
    return done


def _deliver(one: Planned, folder: Path) -> tuple[Exported, list[Move]]:
    """Write one LoRA's files beside their places, prove them there, and say where they are to go."""
    with _bar(one) as bar:
        staged = _written(one, folder, bar)
        proofs = prove(one, staged)
        if bar:
            bar.advance(note="proved")
    moves = [Move(path, item.path) for item, path in staged if not _stays(item, path)]
    files = [_exported_file(item, path) for item, path in staged]
    notes = [*one.notes, *([] if one.order.base else [NOT_DRAWN])]
    return Exported(one.order.wish, one.source.kind, one.source.spelling, files, proofs, notes), moves


def _bar(one: Planned) -> Any:
    large = one.order.wish.source.stat().st_size >= LARGE_BYTES
    return progress(one.order.wish.name, len(one.items) + 1) if large else nullcontext()


def _written(one: Planned, folder: Path, bar: Any) -> list[tuple[Item, Path]]:
    """Every file of one LoRA, each in a folder of its own; weights of the same form are made once."""
    staged: list[tuple[Item, Path]] = []
    made: dict[bool, Path] = {}
    for number, item in enumerate(one.items):
        path, for_diffusers = folder / str(number) / item.path.name, item.target == "diffusers"
        path.parent.mkdir(parents=True)
        if item.role == LORA and for_diffusers in made:
            shutil.copyfile(made[for_diffusers], path)
        else:
            with _as_if_in(item.path, path):
                item.write(path)
        if item.role == LORA:
            made.setdefault(for_diffusers, path)
        staged.append((item, path))
        if bar:
            bar.advance(note=item.role)
    return staged


@contextmanager
def _as_if_in(place: Path, staged: Path) -> Iterator[None]:
    """What is refused of the staged file is told of its place: the staging folder is gone by then."""
    try:
        yield
    except UserError as error:
        told = error.message.replace(str(staged), str(place)).replace(str(staged.parent), "its disk")
        raise UserError(told, error.hint) from error


def _stays(item: Item, written: Path) -> bool:
    """Whether the file is there already, in a folder that two programs share. Another LoRA is refused."""
    if item.stays and item.role == LORA and content_hash(item.path) != content_hash(written):
        raise UserError(f"{item.path}: is already there, and another LoRA.", "Give another --name.")
    return item.stays


def _exported_file(item: Item, path: Path) -> ExportedFile:
    digest = content_hash(path)
    hashes = _hashes(path, digest) if item.role == LORA else {}
    return ExportedFile(item.target, item.targets, item.path, item.role, path.stat().st_size, digest, hashes)


def _hashes(path: Path, sha256: str) -> dict[str, str]:
    """The names under which A1111, Civitai and sd-scripts know a file."""
    from wrapper.lora.hashes import model_hash
    from wrapper.safetensors_header import read_header

    model = model_hash(path)
    legacy = read_header(path).metadata.get("sshs_legacy_hash", "")
    return {"sshs_model_hash": model, "sshs_legacy_hash": legacy, "AutoV2": sha256[:10], "AutoV3": model[:12]}
