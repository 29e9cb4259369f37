"""All that can be told of a LoRA file: what it is, for whom, how it was trained, how strongly it acts."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dataset_tools.errors import UserError
from wrapper.lora.hashes import model_hash
from wrapper.lora.leaks import Leak, leaks
from wrapper.lora.spellings.parts import ALPHA, DOWN
from wrapper.lora.spellings.read import open_any, recognise_file
from wrapper.lora.spellings.recognise import Recognised
from wrapper.lora.spellings.settings import Settings
from wrapper.lora.spellings.tensor_names import read_name
from wrapper.lora_tools.facts.file_kinds import known_file
from wrapper.lora_tools.facts.triggers import Trigger, triggers
from wrapper.lora_tools.norms.norms import ModuleNorm, module_norms
from wrapper.safetensors_header import Header
from wrapper.safetensors_stream import TensorFile, open_tensors

_QUIET_BELOW = 100_000_000
_INPAINT_CHANNELS = 9
_STRUCTS = {
    "F16": "<e",
    "F32": "<f",
    "F64": "<d",
    "BF16": "<f",
    "I64": "<q",
    "I32": "<i",
    "I16": "<h",
    "U8": "B",
}


@dataclass(frozen=True)
class Hashes:
    """Worked out here; ``stored`` are the file's own words, by key."""

    file: str
    model: str
    stored: dict[str, str]

    @property
    def lies(self) -> bool:
        """Whether the file has an ``sshs_model_hash`` that is not that of its tensors."""
        return self.stored.get("sshs_model_hash", self.model) != self.model


@dataclass(frozen=True)
class LoraInfo:
    """A file as it was found. ``hashes`` and ``norms`` are None where its tensors were not read.

    ``no_norms`` says why a LoRA has none. ``alphas`` are by module, the rank for one without.
    """

    path: Path
    bytes: int
    header: Header
    found: Recognised
    ranks: dict[str, int]
    alphas: dict[str, float]
    triggers: list[Trigger]
    leaks: list[Leak]
    hashes: Hashes | None = None
    norms: list[ModuleNorm] | None = None
    no_norms: str = ""

    @property
    def is_lora(self) -> bool:
        return self.found.refused is None

    @property
    def precision(self) -> Counter[str]:
        """Tensors by type, alphas left out where there are others."""
        specs = {name: spec for name, spec in self.header.tensors.items() if not name.endswith(f".{ALPHA}")}
        return Counter(spec.dtype for spec in (specs or self.header.tensors).values())

    @property
    def components(self) -> Counter[str]:
        return Counter(name.split("_", 2)[1] for name in self.found.modules)

    @property
    def for_inpainting(self) -> bool:
        """Whether the file says so, or changes a first convolution of 9 channels."""
        keys = ("tags", "usage_hint", "architecture")
        told = " ".join(self.header.metadata.get(f"modelspec.{key}", "") for key in keys)
        first = self.found.modules.get("lora_unet_conv_in", {}).get("lora_down.weight")
        channels = self.header.tensors[first].shape[1:2] if first else ()
        return "inpaint" in told.lower() or channels == (_INPAINT_CHANNELS,)


def look_at(path: Path, *, quick: bool = False) -> LoraInfo:
    """Look at one file; ``quick`` reads its header and alphas alone.

    Raises `UserError` for what is not a whole safetensors file, and says what it is when that is known.
    """
    kind = known_file(path)
    if kind:
        raise UserError(f"{path}: {kind.what}.", kind.hint)
    header, found, settings = recognise_file(path)
    ranks = _ranks(header, found)
    info = LoraInfo(
        path=path,
        bytes=path.stat().st_size,
        header=header,
        found=found,
        ranks=ranks,
        alphas=_alphas(path, found, ranks, settings),
        triggers=triggers(path, header.metadata),
        leaks=leaks(header.metadata),
    )
    return info if quick else _with_values(info)


def _with_values(info: LoraInfo) -> LoraInfo:
    norms, why = _norms(info)
    found = {"ranks": {one.name: one.rank for one in norms}} if norms else {}
    return replace(info, hashes=_hashes(info), norms=norms, no_norms=why, **found)


def _norms(info: LoraInfo) -> tuple[list[ModuleNorm] | None, str]:
    if not info.is_lora:
        return None, ""
    try:
        with open_any(info.path) as lora:
            return module_norms(lora.modules(), quiet=info.bytes < _QUIET_BELOW), ""
    except UserError as error:
        return None, error.message.removeprefix(f"{info.path}: ")


def _hashes(info: LoraInfo) -> Hashes:
    from dataset_tools.files import content_hash

    stored = {key: value for key, value in info.header.metadata.items() if key.startswith("sshs_")}
    return Hashes(content_hash(info.path), model_hash(info.path), stored)


def _ranks(header: Header, found: Recognised) -> dict[str, int]:
    """Ranks of the modules that show one: those with a down."""
    downs = {module: parts[DOWN] for module, parts in found.modules.items() if DOWN in parts}
    shapes = {module: header.tensors[name].shape for module, name in downs.items()}
    return {module: shape[0] for module, shape in shapes.items() if shape}


def _alphas(path: Path, found: Recognised, ranks: Mapping[str, int], settings: Settings) -> dict[str, float]:
    """Each module's alpha: its own tensor, else PEFT's settings, else the rank."""
    alphas: dict[str, float] = {}
    with open_tensors(path) as file:
        for module, parts in found.modules.items():
            if ALPHA in parts and math.prod(file.header.tensors[parts[ALPHA]].shape) == 1:
                alphas[module] = _number(file, parts[ALPHA])
            elif module in ranks:
                name = read_name(next(iter(parts.values())))
                told = settings.alpha(name.module, ranks[module]) if name else None
                alphas[module] = float(ranks[module]) if told is None else told
    return alphas


def _number(file: TensorFile, name: str) -> float:
    """A tensor of one number; torch, which takes seconds to import, is asked for rare types only."""
    spec = file.header.tensors[name]
    if spec.dtype not in _STRUCTS:
        return float(file.read(name))
    with file.path.open("rb") as stream:
        stream.seek(file.header.data_start + spec.begin)
        raw = stream.read(spec.end - spec.begin)
    if spec.dtype == "BF16":  # the upper half of a float32
        raw = b"\0\0" + raw
    return float(struct.unpack(_STRUCTS[spec.dtype], raw)[0])
