"""What is known of a LoRA file, as rows of words and as data for programs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from dataset_tools.wording import count_of, some
from wrapper.lora.fit import TITLES
from wrapper.lora.sealing import LEGACY
from wrapper.lora_tools.facts.info import LoraInfo
from wrapper.lora_tools.facts.takers import Verdict
from wrapper.lora_tools.facts.training_facts import Row, spec_rows, training_rows
from wrapper.lora_tools.norms.norm_blocks import PARTS, by_place
from wrapper.lora_tools.norms.norms import ModuleNorm, total

_MOST = 4


def identity_rows(info: LoraInfo) -> list[Row]:
    """What the file is: architecture, spelling, sizes, precision, trigger, hashes."""
    return [row for row in _identity(info) if row.text]


def _identity(info: LoraInfo) -> Iterator[Row]:
    if info.found.refused:
        yield Row("what", info.found.refused.what)
    else:
        yield Row("what", _what(info))
        yield Row("modules", _modules(info))
        yield Row("rank", counted(info.ranks.values()))
        yield Row("alpha", counted(f"{alpha:g}" for alpha in info.alphas.values()))
    yield Row("precision", ", ".join(f"{name} ({count})" for name, count in info.precision.most_common()))
    yield Row("size", f"{info.bytes / 1e6:.4g} MB, header {info.header.data_start / 1e3:.4g} kB")
    for trigger in info.triggers[:_MOST]:
        yield Row("trigger", f"{trigger.words} ({trigger.source})")
    yield from spec_rows(info.header.metadata)
    if info.hashes:
        yield Row("hashes", f"AutoV2 {info.hashes.file[:10]}, AutoV3 {info.hashes.model[:12]}")
        yield Row("stored", _stored(info))


def _what(info: LoraInfo) -> str:
    kind = info.found.kind
    base = TITLES[kind] if kind else "an unknown base"
    return f"LoRA for {base}{' inpainting' if info.for_inpainting else ''}, {info.found.spelling} spelling"


def _modules(info: LoraInfo) -> str:
    parts = ", ".join(f"{count} {name}" for name, count in info.components.items())
    odd = f"; {len(info.found.inexact)} that no plain LoRA has" if info.found.inexact else ""
    return f"{len(info.found.modules)} ({parts}){odd}"


def _stored(info: LoraInfo) -> str:
    assert info.hashes is not None
    stored = info.hashes.stored
    if not stored:
        return "no hashes in the metadata"
    word = "NOT the hash of these tensors" if info.hashes.lies else "right"
    legacy = f", {LEGACY} {stored[LEGACY]}" if LEGACY in stored else ""
    return f"sshs_model_hash is {word}{legacy}" if "sshs_model_hash" in stored else legacy.removeprefix(", ")


def counted(values: Iterable[object]) -> str:
    """The values and how many of each: ``16``, or ``16 (192), 8 (72)``."""
    counts = Counter(str(value) for value in values)
    if len(counts) <= 1:
        return next(iter(counts), "")
    shown = [f"{value} ({count})" for value, count in counts.most_common(_MOST)]
    more = len(counts) - _MOST
    return ", ".join(shown) + (f" and {count_of(more, 'other')}" if more > 0 else "")


def faults(info: LoraInfo) -> list[str]:
    """What is wrong with the numbers, or cannot be told."""
    found = [f"'{name}' {why}" for name, why in list(info.found.inexact.items())[:_MOST]]
    more = len(info.found.inexact) - _MOST
    found += [f"and {more} more of that kind"] if more > 0 else []
    if info.no_norms:
        found.append(f"no norms: {info.no_norms.splitlines()[0]}")
    broken = [one.name for one in info.norms or () if one.is_broken]
    idle = [one.name for one in info.norms or () if one.is_zero]
    if broken:
        found.append(
            f"{len(broken)} of {len(info.norms or ())} modules hold NaN or infinity ({some(broken)})"
        )
    if idle:
        found.append(f"{len(idle)} of {len(info.norms or ())} modules change nothing ({some(idle)})")
    return found


def norm_rows(norms: Sequence[ModuleNorm]) -> list[list[str]]:
    """A table: place, modules, ‖ΔW‖, its parts, the largest singular value, the effective rank."""
    rows = [["place", "modules", "norm", *PARTS, "largest", "effective rank"]]
    for place in by_place(norms):
        largest = max((one.largest for one in place.modules if not one.is_broken), default=math.nan)
        parts = (f"{place.part_norm(part):.3g}" if place.part_norm(part) else "" for part in PARTS)
        own = [place.name, str(len(place.modules)), f"{place.norm:.3g}"]
        rows.append([*own, *parts, f"{largest:.3g}", f"{place.effective_rank:.1f}"])
    return [*rows, ["all", str(len(norms)), f"{total(norms):.3g}", *("" for _ in PARTS), "", ""]]


def as_data(info: LoraInfo, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Everything, for programs; numbers that are not finite are null."""
    hashes = info.hashes
    return {
        "file": str(info.path),
        "bytes": info.bytes,
        "is_lora": info.is_lora,
        "what": info.found.refused.what if info.found.refused else _what(info),
        "kind": info.found.kind,
        "inpainting": info.for_inpainting,
        "spelling": info.found.spelling,
        "modules": dict(info.components),
        "not_plain": info.found.inexact,
        "ranks": _by_value(info.ranks),
        "alphas": _by_value(info.alphas),
        "precision": dict(info.precision),
        "triggers": [trigger._asdict() for trigger in info.triggers],
        "training": {row.label: row.text for row in training_rows(info.header.metadata)},
        "hashes": hashes
        and {
            "sha256": hashes.file,
            "autov2": hashes.file[:10],
            "autov3": hashes.model[:12],
            "model_hash": hashes.model,
            "stored": hashes.stored,
            "stored_is_right": not hashes.lies,
        },
        "leaks": [{"key": leak.key, "topic": leak.topic} for leak in info.leaks],
        "taken_whole": {verdict.program: verdict.whole for verdict in verdicts},
        "norms": info.norms and _norm_data(info.norms),
        "metadata": info.header.metadata,
    }


def _by_value(values: Mapping[str, float]) -> dict[str, int]:
    return {f"{value:g}": count for value, count in Counter(values.values()).most_common()}


def _norm_data(norms: Sequence[ModuleNorm]) -> dict[str, Any]:
    return {
        "all": total(norms),
        "places": {
            place.name: {
                "norm": place.norm,
                "modules": len(place.modules),
                "effective_rank": place.effective_rank,
                **{part: place.part_norm(part) for part in PARTS if place.part_norm(part)},
            }
            for place in by_place(norms)
        },
        "modules": {one.name: _finite(vars(one)) for one in norms},
    }


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
        if key != "name"
    }
