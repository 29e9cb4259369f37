"""A LoRA file in any spelling, read under Kohya's names: every module as down, up and alpha.

What can be written so exactly is converted, the rest is named and refused. A module without an alpha gets the
one that PEFT's settings give it, else its rank, as sd-scripts, A1111, ComfyUI and diffusers take it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dataset_tools.errors import Problems, UserError
from wrapper.base_model.kinds import Kind
from wrapper.lora.file import Lora
from wrapper.lora.spellings.factors import low_rank
from wrapper.lora.spellings.faults import is_broken
from wrapper.lora.spellings.forms import Form, form_of
from wrapper.lora.spellings.layer_shapes import as_down, as_up, kernel_of
from wrapper.lora.spellings.notes import notes_of
from wrapper.lora.spellings.parts import ALPHA, DOWN, UP
from wrapper.lora.spellings.recognise import Recognised, recognise
from wrapper.lora.spellings.settings import Settings, read_settings
from wrapper.lora.spellings.tensor_names import is_wrapped, read_name
from wrapper.safetensors_header import Header, read_header
from wrapper.safetensors_stream import open_tensors

if TYPE_CHECKING:
    from torch import Tensor

_HINT = "Use the file as it is in ComfyUI, A1111 or the program that made it, or get it as a plain LoRA."
_BROKEN = "Get the file again, or ask whoever made it."
Parts = dict[str, "Tensor"]
ReadTensor = Callable[[str], "Tensor"]


@dataclass(frozen=True)
class AnyLora:
    """A LoRA under Kohya's names, whatever it was called in its file.

    Every module of ``lora`` has ``lora_down.weight``, ``lora_up.weight`` and a scalar ``alpha``; ``notes``
    say in a sentence each what was converted.
    """

    lora: Lora
    spelling: str
    kind: Kind
    notes: tuple[str, ...] = ()


class Module(NamedTuple):
    """One module of a file: its names there by part, and its form."""

    name: str
    form: Form
    own_name: str
    parts: Mapping[str, str]


@dataclass(frozen=True)
class OpenLora:
    """The same of a file that stays open: each module is read and converted when it is asked for."""

    metadata: dict[str, str]
    spelling: str
    kind: Kind
    notes: tuple[str, ...]
    _modules: Mapping[str, Parts]

    def modules(self) -> Mapping[str, Parts]:
        """Module → part → tensor, of no more than one module in memory at a time."""
        return self._modules


class _Modules(Mapping[str, Parts]):
    def __init__(self, modules: Iterable[Module], convert: Callable[[Module], Parts]) -> None:
        self._modules = {module.name: module for module in modules}
        self._convert = convert

    def __getitem__(self, name: str) -> Parts:
        return self._convert(self._modules[name])

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


def read_any(path: Path, kind: Kind | None = None) -> AnyLora:
    """Read a LoRA onto the CPU. ``kind`` is taken where the file does not tell what base it is for.

    Raises one `UserError` that names everything that a plain LoRA cannot express exactly, and why; and for a
    file that is no LoRA of SD 1.5 or SDXL.
    """
    with open_any(path, kind) as opened:
        tensors = {
            f"{name}.{part}": tensor
            for name, parts in opened.modules().items()
            for part, tensor in parts.items()
        }
    return AnyLora(Lora(tensors, opened.metadata), opened.spelling, opened.kind, opened.notes)


@contextmanager
def open_any(path: Path, kind: Kind | None = None) -> Iterator[OpenLora]:
    """Open a LoRA that may be too large to be held whole. Raises as `read_any` does."""
    header, found, settings = recognise_file(path, kind)
    _require_exact(path, found, settings)
    known = found.kind
    assert known is not None  # nothing is refused any more
    listed = [_module(name, parts) for name, parts in sorted(found.modules.items())]
    with open_tensors(path) as file:
        modules = _Modules(listed, lambda module: _converted(module, known, settings, file.read))
        idle = [module.name for module in listed if _may_be_idle(module, settings, file.read)]
        zero = sum(not modules[name][ALPHA] for name in idle)
        notes = notes_of(found, header, [module.form for module in listed], settings, zero)
        yield OpenLora(header.metadata, found.spelling, known, notes, modules)


def recognise_file(path: Path, kind: Kind | None = None) -> tuple[Header, Recognised, Settings]:
    """What a file's header and the settings beside it say. No tensor is read.

    Raises `UserError` for a file that is not a whole safetensors file.
    """
    header = read_header(path)
    settings = read_settings(path, header.metadata, any(map(is_wrapped, header.tensors)))
    second = settings.is_second_encoder
    return header, recognise(header.tensors, header.metadata, kind=kind, second_encoder=second), settings


def _require_exact(path: Path, found: Recognised, settings: Settings) -> None:
    if found.refused:
        raise UserError(f"{path}: {found.refused.what}.", found.refused.hint)
    problems = Problems()
    for reason, count in Counter(found.inexact.values()).items():
        first = next(name for name, why in found.inexact.items() if why == reason)
        more = f" (and {count - 1} more like it)" if count > 1 else ""
        problems.add(path, f"'{first}' {reason}{more}.")
    for fault in settings.faults():
        problems.add(path, f"{fault}.")
    broken = any(is_broken(reason) for reason in found.inexact.values())
    problems.raise_if_any(hint=_BROKEN if broken else _HINT)


def _module(name: str, parts: Mapping[str, str]) -> Module:
    form = form_of(parts)
    read = read_name(next(iter(parts.values())))
    assert form is not None  # `recognise` has named all others
    assert read is not None
    return Module(name, form, read.module, parts)


def _converted(module: Module, kind: Kind, settings: Settings, read: ReadTensor) -> Parts:
    """A module's tensors in Kohya's form, by part."""
    import torch

    parts = {part: _counted(read(own)) for part, own in module.parts.items()}
    alpha = parts.pop(ALPHA, None)
    kernel = kernel_of(module.name, kind)
    if module.form == "plain":
        down, up, divided = parts[DOWN], parts[UP], parts[DOWN].shape[0]
    else:
        made_down, made_up, divided = low_rank(module.form, parts)
        down, up = made_down.float(), made_up.float()
    given = None if alpha is None else float(alpha)
    scale = _scale(module, settings, given, divided)
    if scale < 0:  # every program takes a positive alpha, and the product is the same
        scale, up = -scale, -up
    return {
        DOWN: as_down(down, kernel).contiguous(),
        UP: as_up(up, kernel).contiguous(),
        ALPHA: torch.tensor(scale * down.shape[0]),
    }


def _may_be_idle(module: Module, settings: Settings, read: ReadTensor) -> bool:
    """Whether an alpha of 0 stands in the file or beside it."""
    own = module.parts.get(ALPHA)
    return (settings.alpha(module.own_name, 1) if own is None else float(read(own))) == 0


def _counted(tensor: Tensor) -> Tensor:
    """Eight-bit floats have no arithmetic: they are lifted, which is exact."""
    return tensor.float() if tensor.is_floating_point() and tensor.itemsize == 1 else tensor


def _scale(module: Module, settings: Settings, alpha: float | None, divided: int | None) -> float:
    """What the product of the factors is multiplied by: alpha / rank in every program."""
    if divided is None:
        return _scale_of_whole(module, settings)
    if alpha is None:
        alpha = settings.alpha(module.own_name, divided)
    return 1.0 if alpha is None else alpha / divided


def _scale_of_whole(module: Module, settings: Settings) -> float:
    """A LoKr of two whole matrices has no rank to divide by: LyCORIS takes 1, PEFT alpha / r as set."""
    rank = settings.rank(module.own_name)
    alpha = None if rank is None else settings.alpha(module.own_name, 1)
    return 1.0 if alpha is None or not rank or module.form == "full" else alpha / rank
