"""Which tensors of a base model LoRAs change, and what its files will be: W' = W + Σ weight · ΔW."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import Problems, UserError
from wrapper.base_model.detect import UNET_PREFIX, BaseInfo, detect
from wrapper.lora.apply import LoraUse, fitting_lora
from wrapper.lora_tools.bases.base_places import FLOATS, BaseFiles, base_files
from wrapper.lora_tools.maths.factors import Factors, component_of, factors_of, summed
from wrapper.safetensors_stream import Form

if TYPE_CHECKING:
    from torch import Tensor

_MODEL_PARTS = (UNET_PREFIX, "model_ema.", "first_stage_model.", "cond_stage_model.", "conditioner.")
"""What a precision is asked for in a single file; the noise schedule beside them stays exact."""
_FIT_HINT = "Give LoRAs that were trained for this kind and size of base model."


@dataclass(frozen=True)
class MergePlan:
    """LoRAs, read, and the base that they go into.

    ``dtype`` (``F16``, …) is what weights become, None leaves them as they are; ``layers`` are, by file and
    tensor, the Kohya names of the layers in it that change.
    """

    base: BaseFiles
    uses: tuple[LoraUse, ...]
    modules: tuple[dict[str, dict[str, Tensor]], ...]
    out: Path
    dtype: str | None
    layers: dict[tuple[Path, str], list[str]]

    def form(self, name: str, old: Form) -> Form:
        """What the tensor ``name`` will be."""
        if self.dtype is None or old.dtype not in FLOATS:
            return old
        is_weight = not self.base.info.single_file or name.startswith(_MODEL_PARTS)
        return Form(self.dtype, old.shape) if is_weight else old

    @property
    def tensors(self) -> int:
        """How many tensors the files have."""
        return sum(len(header.tensors) for header in self.base.headers.values())

    @property
    def bytes(self) -> int:
        """The size of the new weight files without their headers."""
        specs = [item for header in self.base.headers.values() for item in header.tensors.items()]
        return sum(self.form(name, Form(spec.dtype, spec.shape)).bytes for name, spec in specs)

    def change(self, layer: str) -> Factors:
        """What all LoRAs together do to a layer."""
        component = component_of(layer)
        pairs = zip(self.uses, self.modules, strict=True)
        found = [(use.weight_of(component), modules[layer]) for use, modules in pairs if layer in modules]
        return summed([factors_of(parts, weight) for weight, parts in found])


def named_base(spec: str) -> BaseInfo:
    """The base model that ``spec`` names: a safetensors file or a diffusers folder. Raises `UserError`."""
    path = Path(spec).expanduser()
    if not path.exists():
        raise UserError(f"{spec}: there is no such model.", "Give a .safetensors file or a diffusers folder.")
    return detect(path)


def plan_into_base(info: BaseInfo, uses: Sequence[LoraUse], out: Path, dtype: str | None = None) -> MergePlan:
    """Read the LoRAs and find their layers. Raises one `UserError` for all that do not fit the base."""
    base = base_files(info)
    problems = Problems()
    loras = [fitting_lora(use.path, info.kind, base.layers, problems) for use in uses]
    problems.raise_if_any(hint=_FIT_HINT)
    modules = tuple(lora.modules() for lora in loras)
    layers: dict[tuple[Path, str], list[str]] = {}
    for name in sorted(set().union(*modules)):
        place = base.places[name]
        layers.setdefault((place.file, place.tensor), []).append(name)
    return MergePlan(base, tuple(uses), modules, out, dtype, layers)
