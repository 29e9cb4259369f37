"""What is shown of an exported file before it counts as done: each proof reads the file itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataset_tools.wording import count_of, some
from wrapper.export.source import ALPHA, DOWN, UP, Modules, component_of
from wrapper.export.targets import Precision
from wrapper.lora.apply import alpha_of
from wrapper.lora.deltas import delta_error

if TYPE_CHECKING:
    from wrapper.lora.layers import Layer

DELTA_TOLERANCES: Mapping[Precision, float] = {"fp16": 5e-3, "bf16": 2e-2, "fp32": 1e-5}
"""Largest ‖ΔW − ΔW'‖ / ‖ΔW‖ (Frobenius) that rounding both factors may cause, with 11, 8 and 24 bits."""
VALUES, CHANGE = "finite and not zero", "same change of the weights as the source"
KEYS, SHAPES = "every key has its layer, none is left out", "shapes fit the layers"


@dataclass(frozen=True)
class Proof:
    """One row of the table: ``what`` was asked, whether it ``passed``, and the figures."""

    what: str
    passed: bool
    detail: str


def prove_modules(
    modules: Modules, source: Modules, layers: Mapping[str, Layer], title: str, precision: Precision
) -> list[Proof]:
    """Hold what was read back against ``layers`` (by Kohya name; ``title`` says whose) and its source."""
    return [
        _keys(modules, source, layers, title),
        _shapes(modules, layers),
        _finite(modules, source, precision),
        _deltas(modules, source, DELTA_TOLERANCES[precision]),
    ]


def _keys(modules: Modules, source: Modules, layers: Mapping[str, Layer], title: str) -> Proof:
    what = KEYS
    unknown, missing = sorted(set(modules) - set(layers)), sorted(set(source) - set(modules))
    counts = ", ".join(f"{count} {component}" for component, count in by_component(modules).items())
    detail = f"{count_of(len(modules), 'module')} ({counts}), all in the table of {title}"
    if unknown:
        detail = f"{len(unknown)} of {len(modules)} have no layer in {title}: {some(unknown)}"
    elif missing:
        detail = f"{len(missing)} of {len(source)} are not in the file: {some(missing)}"
    return Proof(what, not unknown and not missing and bool(modules), detail)


def by_component(modules: Mapping[str, object]) -> dict[str, int]:
    """How many modules each component has."""
    counts: dict[str, int] = {}
    for name in modules:
        counts[component_of(name)] = counts.get(component_of(name), 0) + 1
    return counts


def _shapes(modules: Modules, layers: Mapping[str, Layer]) -> Proof:
    wrong = [
        name
        for name, parts in modules.items()
        if name in layers and not _fits(parts, layers[name].weight_shape)
    ]
    ranks = sorted({parts[DOWN].shape[0] for parts in modules.values()})
    shown = f"{ranks[0]}" if len(ranks) == 1 else f"{ranks[0]} to {ranks[-1]}"
    detail = f"{len(wrong)} do not fit: {some(wrong)}" if wrong else f"rank {shown}"
    return Proof(SHAPES, not wrong, detail)


def fits(modules: Modules, layers: Mapping[str, Layer]) -> bool:
    """Whether every module has its layer in ``layers``, of the right size."""
    return all(name in layers and _fits(parts, layers[name].weight_shape) for name, parts in modules.items())


def _fits(parts: Mapping[str, object], layer: tuple[int, ...]) -> bool:
    """Linear: down [r, in], up [out, r]. Conv: down [r, in, kh, kw], up [out, r, 1, 1]."""
    rank = parts[DOWN].shape[0]  # type: ignore[attr-defined]
    up = (layer[0], rank, 1, 1) if len(layer) == 4 else (layer[0], rank)
    return tuple(parts[DOWN].shape) == (rank, *layer[1:]) and tuple(parts[UP].shape) == up  # type: ignore[attr-defined]


def _finite(modules: Modules, source: Modules, precision: Precision) -> Proof:
    what = VALUES
    broken = [name for name, parts in modules.items() if not _is_finite(parts)]
    if broken:
        made = [name for name in broken if name in source and _is_finite(source[name])]
        why = f"; they are too large for {precision}: give --precision bf16 or fp32" if made else ""
        return Proof(what, False, f"not finite in {count_of(len(broken), 'module')}: {some(broken)}{why}")
    working = [name for name, parts in modules.items() if parts[DOWN].any() and parts[UP].any()]
    lost = [name for name, parts in source.items() if acts(parts) and name not in set(working)]
    if lost:
        return Proof(what, False, f"{count_of(len(lost), 'module')} became zero in {precision}: {some(lost)}")
    return Proof(what, bool(working), f"{len(working)} of {len(modules)} modules change something")


def _is_finite(parts: Mapping[str, object]) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in parts.values())  # type: ignore[attr-defined]


def acts(parts: Mapping[str, object]) -> bool:
    """Whether a module changes anything."""
    return bool(parts[DOWN].any()) and bool(parts[UP].any()) and alpha_of(dict(parts)) != 0.0  # type: ignore[attr-defined, arg-type]


def prove_alpha(modules: Modules) -> Proof:
    """Every module has an alpha, and it is the same all over a component."""
    without = [name for name, parts in modules.items() if ALPHA not in parts]
    values: dict[str, set[float]] = {}
    for name, parts in modules.items():
        values.setdefault(component_of(name), set()).add(alpha_of(parts))
    mixed = [component for component, found in values.items() if len(found) > 1]
    detail = ", ".join(f"{component} {min(found):g}" for component, found in values.items())
    if without or mixed:
        detail = f"missing on {count_of(len(without), 'module')}, mixed in {', '.join(mixed) or 'none'}"
    return Proof("alpha on every module, one a component", not without and not mixed, detail)


def _deltas(modules: Modules, source: Modules, tolerance: float) -> Proof:
    """ΔW of every module as in the source; a module that the source lacks must change nothing."""
    what = CHANGE
    errors = {name: delta_error(source[name], modules[name]) for name in source if name in modules}
    added = [name for name, parts in modules.items() if name not in source and acts(parts)]
    if added or not errors:
        return Proof(what, False, f"modules that the source does not have: {some(added)}")
    worst = max(errors, key=lambda name: errors[name] if errors[name] == errors[name] else float("inf"))
    passed = errors[worst] <= tolerance
    detail = f"largest relative difference {errors[worst]:.1e}" + ("" if passed else f" in {worst}")
    return Proof(what, passed, detail)
