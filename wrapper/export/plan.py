"""What an export would do, as data: every file with its place, and everything that stands against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import Problems, UserError
from wrapper.export.delivery import LORA, Item, items, size_note
from wrapper.export.key_maps.architecture import full_size_layers
from wrapper.export.lora_file.idle import for_a1111, for_diffusers
from wrapper.export.lora_file.metadata import file_metadata, left_out, private_note
from wrapper.export.places.collisions import THERE, alias_notes, find_collisions
from wrapper.export.places.program_folder import Place
from wrapper.export.source import Source, read_source
from wrapper.export.targets import TARGETS, TITLES
from wrapper.export.wish import Wish
from wrapper.lora.names import is_target

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo

COLLISION_HINT = "Give another --name, or --force to write over files that are there."


@dataclass(frozen=True)
class Order:
    """One LoRA to be delivered; ``base`` is what it is to be proved on."""

    wish: Wish
    base: BaseInfo | None = None


@dataclass(frozen=True)
class Planned:
    """One LoRA, read, and the files that it becomes. ``notes`` are sentences for the user."""

    order: Order
    source: Source
    items: list[Item]
    notes: list[str]


@dataclass(frozen=True)
class Plan:
    """``problems`` are the reasons why it cannot be carried out, if any."""

    loras: list[Planned]
    places: list[Place]
    problems: Problems

    def raise_if_refused(self, title: str = "") -> None:
        """Raise one `UserError` with all problems; do nothing when there are none."""
        there = any(problem.message == THERE for problem in self.problems.found)
        self.problems.raise_if_any(title, COLLISION_HINT if there else "")


def plan_export(orders: Sequence[Order], places: Sequence[Place], *, force: bool = False) -> Plan:
    """Read every LoRA and name its files. Nothing is written.

    Raises `UserError` for a source that cannot be exported, or a name that does not work.
    """
    problems, loras = Problems(), []
    for order in orders:
        order.wish.check()
        source = read_source(order.wish.source, order.base.kind if order.base else None)
        _refuse_other_kind(source, order.base)
        loras.append(_planned(order, source, places, force, problems))
    return Plan(loras, list(places), problems)


def _refuse_other_kind(source: Source, base: BaseInfo | None) -> None:
    if base is not None and base.kind != source.kind:
        raise UserError(
            f"{source.path}: is a LoRA for {TITLES[source.kind]}, but {base.path} is {TITLES[base.kind]}.",
            "Give the base model that it was trained on.",
        )


def _planned(
    order: Order, source: Source, places: Sequence[Place], force: bool, problems: Problems
) -> Planned:
    wish = order.wish
    own = [path.resolve() for path in wish.own_files]
    wanted = [
        replace(item, stays=not force and item.path.resolve() not in own and _is_shared(item, places))
        for item in _each_once(item for place in places for item in items(wish, source, place))
    ]
    new = [item.path for item in wanted if not item.stays]
    find_collisions(wish.name, places, new, own, force, problems)
    notes = [
        *_source_notes(wish, source),
        *_idle_notes(source, places),
        *(note for place in places for note in place.notes),
        *_shared_notes(wanted),
        *alias_notes(wish.name, places, [item.path for item in wanted]),
        *_private_notes(wish, source, wanted),
    ]
    return Planned(order, source, wanted, list(dict.fromkeys(notes)))


def _is_shared(item: Item, places: Sequence[Place]) -> bool:
    """Whether the file is there already, in a LoRA folder that is not ComfyUI's own."""
    return item.path.exists() and any(
        item.target == place.target == "comfyui"
        and item.path.parent == place.folder
        and not place.loras.resolve().is_relative_to(place.root.resolve())
        for place in places
    )


def _each_once(items: Iterable[Item]) -> list[Item]:
    """Files that several targets read in one place, once."""
    by_path: dict[Path, Item] = {}
    for item in items:
        path = item.path.resolve()
        first = by_path.get(path)
        by_path[path] = replace(first, also=(*first.also, item.target)) if first else item
    return list(by_path.values())


def _shared_notes(wanted: Sequence[Item]) -> list[str]:
    notes = [
        f"{TARGETS[target].title} reads {item.path} too: it is written once."
        for item in wanted
        for target in item.also
        if item.role == LORA
    ]
    there = [item.path for item in wanted if item.stays]
    return notes + [f"{path} is there already and stays: it is shared." for path in there]


def _source_notes(wish: Wish, source: Source) -> list[str]:
    notes = [wish.origin, *source.notes, size_note(source), _part_note(source)]
    if left_out(source):
        notes.append(f"Too long for the metadata, and left out: {', '.join(left_out(source))}.")
    if wish.preview is None:
        notes.append("No preview picture was given (--preview): a card without one stands in its place.")
    return [note for note in notes if note]


def _private_notes(wish: Wish, source: Source, wanted: Sequence[Item]) -> list[str]:
    written = next(item.path for item in wanted if item.role == LORA)
    note = private_note(file_metadata(wish, source), written)
    return [note] if note else []


def _idle_notes(source: Source, places: Sequence[Place]) -> list[str]:
    targets = {place.target for place in places}
    whole, known = len(for_a1111(source.modules)), len(for_diffusers(source.modules))
    notes = []
    if whole and targets != {"diffusers"}:
        notes.append(f"{whole} idle modules were added: A1111 takes q, k, v and out only together.")
    if known and "diffusers" in targets:
        notes.append(f"{known} idle modules were added: diffusers knows a text encoder by its attention.")
    return notes


def _part_note(source: Source) -> str:
    """A sentence when the LoRA changes only a part of the U-Net's attention."""
    layers = full_size_layers(source.kind)
    usual = {n for n, layer in layers.items() if layer.component == "unet" and is_target("unet", layer.path)}
    there = usual & set(source.modules)
    if len(there) == len(usual) or size_note(source):
        return ""
    return f"It changes {len(there)} of the {len(usual)} attention layers of the U-Net."
