"""A LoRA in another spelling or precision, held against its source before it counts.

ΔW = alpha / rank · up @ down stays what it was, module by module; what rounding costs is measured and told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dataset_tools.errors import UserError
from dataset_tools.files import whole_file, whole_folder, write_json
from wrapper.lora.deltas import DOWN, UP, Parts, delta_error
from wrapper.lora.made import MadeTensors
from wrapper.lora.metadata import ARCHITECTURES, BASE_VERSIONS
from wrapper.lora.sealing import SEALS, sealed
from wrapper.lora.spellings.read import OpenLora
from wrapper.lora.spellings.settings import CONFIG_NAME
from wrapper.lora.spellings.write import under_diffusers_names, under_peft_names
from wrapper.lora_tools.given import PEFT_FILE, open_given
from wrapper.lora_tools.making.result import DTYPES, SAFETENSORS_DTYPES, TOLERANCES
from wrapper.lora_tools.maths.factors import ALPHA, component_of, factors_of, module_parts
from wrapper.safetensors_header import DTYPE_BITS
from wrapper.safetensors_stream import in_library_order, write_tensors

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Target = Literal["kohya", "diffusers", "peft"]
EXACT = 1e-6
"""Above this, a difference is told as rounding: float32 has 24 bits, and two factors of them."""
_FOREIGN = ("format", "lora_adapter_metadata", "sshs_")


@dataclass(frozen=True)
class Piece:
    """One file of the result; ``folder`` is empty for a result that is one file."""

    folder: str
    tensors: MadeTensors
    metadata: dict[str, str]
    config: dict[str, Any] | None = None


@dataclass
class Errors:
    """One component's modules, and the largest ‖ΔW − ΔW'‖ / ‖ΔW‖ among them."""

    modules: int = 0
    largest: float = 0.0
    of: str = ""


def pieces_of(
    lora: OpenLora, target: Target, precision: str | None, *, flat_clip: bool = False
) -> list[Piece]:
    """``lora`` as ``target`` names it; ``precision`` None keeps that of each tensor.

    ``flat_clip``: with peft, a text encoder's names are those of transformers 5.
    """
    if target == "kohya":
        return [_kohya_piece(lora, precision)]
    if target == "diffusers":
        tensors, metadata = under_diffusers_names(lora, lora.kind)
        return [Piece("", _cast(tensors, precision), metadata)]
    told = {"format": "pt", "ss_base_model_version": BASE_VERSIONS[lora.kind]}
    adapters = under_peft_names(lora, lora.kind, flat_clip=flat_clip)
    return [
        Piece(folder, _cast(adapter.tensors, precision), told, adapter.config)
        for folder, adapter in adapters.items()
    ]


def write_converted(
    lora: OpenLora,
    pieces: Sequence[Piece],
    out: Path,
    precision: str | None,
    advance: Callable[[], object] = lambda: None,
) -> dict[str, Errors]:
    """Write ``pieces`` to ``out``, whole or not at all, once they read back as what ``lora`` is.

    ``advance`` is called for each tensor that is written and each module that is read back (`steps`).
    Returns the differences by component. Raises `UserError` when the precision cannot hold the LoRA.
    """
    whole = whole_folder if pieces[0].config is not None else whole_file
    with whole(out) as temporary:
        for piece in pieces:
            _write_piece(piece, temporary, advance)
        with open_given(temporary, lora.kind) as made:
            errors = errors_between(lora.modules(), made.modules(), advance)
        _require_close(errors, out, precision)
    return errors


def steps(lora: OpenLora, pieces: Iterable[Piece]) -> int:
    """How often `write_converted` calls ``advance``."""
    return sum(len(piece.tensors) for piece in pieces) + len(lora.modules())


def widened(lora: OpenLora, pieces: Iterable[Piece]) -> bool:
    """Whether tensors got a wider type than they had, because their own would have rounded a scale."""
    before = max(parts[UP].itemsize for parts in lora.modules().values())
    made = (form for piece in pieces for form in piece.tensors.forms.values())
    return any(DTYPE_BITS[form.dtype] > 8 * before for form in made)


def errors_between(
    before: Mapping[str, Parts], after: Mapping[str, Parts], advance: Callable[[], object] = lambda: None
) -> dict[str, Errors]:
    """How far modules are from what they were, by component. Raises `ValueError` for other modules."""
    if others := set(before) ^ set(after):
        raise ValueError(f"other modules than the source has: {sorted(others)[:3]}")
    found: dict[str, Errors] = {}
    for name in sorted(before):
        component = found.setdefault(component_of(name), Errors())
        component.modules += 1
        error = delta_error(before[name], after[name])
        if error > component.largest:
            component.largest, component.of = error, name
        advance()
    return found


def _require_close(errors: Mapping[str, Errors], out: Path, precision: str | None) -> None:
    allowed = TOLERANCES[precision or "fp16"]
    wrong = [one for one in errors.values() if one.largest > allowed]
    if wrong:
        raise UserError(
            f"{out}: would differ from its source by {wrong[0].largest:.1%} in {wrong[0].of}.",
            f"{precision or 'Its precision'} cannot hold its numbers: give --precision fp32.",
        )


def _kohya_piece(lora: OpenLora, precision: str | None) -> Piece:
    """Every module at its component's commonest alpha; one that is so already keeps its bits."""
    modules, ranks, counts = lora.modules(), set(), {}
    for name, parts in modules.items():
        ranks.add(parts[DOWN].shape[0])
        counts.setdefault(component_of(name), Counter())[float(parts[ALPHA]) or 1.0] += 1
    alphas = {component: found.most_common(1)[0][0] for component, found in counts.items()}

    def make(name: str) -> dict[str, Tensor]:
        made = _at_alpha(modules[name], alphas[component_of(name)], precision)
        return {f"{name}.{part}": tensor for part, tensor in made.items()}

    return Piece("", MadeTensors.of(modules, make), _kohya_metadata(lora, ranks, set(alphas.values())))


def _at_alpha(parts: Parts, alpha: float, precision: str | None) -> dict[str, Tensor]:
    import torch

    dtype: torch.dtype = getattr(torch, DTYPES[precision]) if precision else parts[DOWN].dtype
    same = parts[DOWN].dtype == parts[UP].dtype == dtype
    if float(parts[ALPHA]) == alpha and (precision is None or same):
        return {**parts, ALPHA: parts[ALPHA].to(dtype) if _holds(alpha, dtype) else parts[ALPHA]}
    return module_parts(factors_of(parts), alpha, dtype)


def _holds(alpha: float, dtype: torch.dtype) -> bool:
    import torch

    return float(torch.tensor(alpha, dtype=dtype)) == alpha


def _cast(tensors: MadeTensors, precision: str | None) -> MadeTensors:
    return tensors.in_dtype(SAFETENSORS_DTYPES[precision]) if precision else tensors


def _kohya_metadata(lora: OpenLora, ranks: set[int], alphas: set[float]) -> dict[str, str]:
    """The source's own, with what A1111 and Forge know the base by."""
    kept = {key: value for key, value in lora.metadata.items() if not key.startswith(_FOREIGN)}
    told = {
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(ranks.pop()) if len(ranks) == 1 else "Dynamic",
        "ss_network_alpha": f"{alphas.pop():g}" if len(alphas) == 1 else "Dynamic",
        "ss_v2": "False",
    }
    version = kept.get("ss_base_model_version", "")
    if not version or version.startswith("sdxl_") != (lora.kind == "sdxl"):
        told["ss_base_model_version"] = BASE_VERSIONS[lora.kind]
    return {**kept, **told, "modelspec.architecture": ARCHITECTURES[lora.kind]}


def _write_piece(piece: Piece, place: Path, advance: Callable[[], object]) -> None:
    forms = in_library_order(piece.tensors.forms)
    tensors = _counted((piece.tensors[name] for name in forms), advance)
    if piece.config is not None:
        write_json(place / piece.folder / CONFIG_NAME, piece.config)
        write_tensors(place / piece.folder / PEFT_FILE, forms, piece.metadata, tensors)
    elif any(name.endswith(f".{ALPHA}") for name in forms):
        metadata = {**piece.metadata, **SEALS}
        write_tensors(place, forms, metadata, tensors, lambda file: sealed(file, forms, piece.metadata))
    else:
        write_tensors(place, forms, piece.metadata, tensors)


def _counted(tensors: Iterable[Tensor], advance: Callable[[], object]) -> Iterator[Tensor]:
    for tensor in tensors:
        yield tensor
        advance()


def check_folder(out: Path) -> None:
    """Raise `UserError` when ``out`` is a folder with other things in it than a LoRA of PEFT."""
    if not out.is_dir():
        return
    expected = {CONFIG_NAME, PEFT_FILE}
    strange = [
        path
        for path in sorted(out.rglob("*"))
        if not (path.is_dir() and path.parent == out) and path.name not in expected
    ]
    if strange:
        raise UserError(
            f"{out}: holds other files than a LoRA of PEFT ({strange[0].name}).", "Name another folder."
        )
