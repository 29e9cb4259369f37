"""The files of a base model with LoRAs in it, written one tensor at a time.

The base's own files are only read. What no LoRA changes is copied bit for bit, unless another precision is
asked for.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError
from dataset_tools.files import whole_folder
from dataset_tools.progress import Bar, progress
from wrapper.base_model.architecture import TEXT_FOLDERS
from wrapper.base_model.detect import read_json
from wrapper.lora_tools.bases.into_base import MergePlan
from wrapper.lora_tools.making.ingredients import Ingredient, ingredient, merged_base_metadata
from wrapper.safetensors_stream import (
    Form,
    TensorFile,
    form_of,
    in_library_order,
    open_tensors,
    torch_dtype,
    write_tensors,
)

if TYPE_CHECKING:
    from torch import Tensor


def check_replaceable(out: Path) -> None:
    """Raise `UserError` for an ``out`` that is there and no model: a whole folder takes its place."""
    if out.exists() and not (out / "model_index.json").is_file() and not (out.is_dir() and _is_empty(out)):
        raise UserError(f"{out}: is not a diffusers model, and is not written over.", "Name a new folder.")


def _is_empty(folder: Path) -> bool:
    return next(folder.iterdir(), None) is None


def write_merged_base(plan: MergePlan) -> None:
    """Write the merged base, a file or a whole folder, or nothing."""
    info, made_of = plan.base.info, [ingredient(use) for use in plan.uses]
    with progress("tensors", plan.tensors) as bar:
        if info.single_file:
            _write_file(plan, info.path, plan.out, made_of, bar)
            return
        with whole_folder(plan.out) as folder:
            _copy_unchanged(info.path, folder)
            for path in plan.base.headers:
                target = folder / path.relative_to(info.path)
                _copy_settings(path.parent, target.parent)
                _write_file(plan, path, target, made_of, bar)


def _copy_unchanged(source: Path, target: Path) -> None:
    """model_index.json, and the folders that it names which no LoRA changes."""
    changed = {"unet", *(name for names in TEXT_FOLDERS.values() for name in names)}
    shutil.copy(source / "model_index.json", target)
    for name in sorted(read_json(source / "model_index.json") or {}):
        if name not in changed and (source / name).is_dir():
            shutil.copytree(source / name, target / name)


def _copy_settings(source: Path, target: Path) -> None:
    """The JSON files beside the weights, but no weights of another variant, which would lack the LoRAs."""
    target.mkdir(exist_ok=True)
    for path in source.glob("*.json"):
        shutil.copy(path, target)


def _write_file(plan: MergePlan, source: Path, target: Path, made_of: Sequence[Ingredient], bar: Bar) -> None:
    told = merged_base_metadata(
        plan.base.headers[source].metadata, plan.base.info.path, plan.out.stem, made_of
    )
    with open_tensors(source) as file:
        forms = {name: plan.form(name, form) for name, form in file.forms.items()}
        ordered = forms if plan.dtype is None else in_library_order(forms)
        write_tensors(target, ordered, told, _merged(plan, file, ordered, bar))


def _merged(plan: MergePlan, file: TensorFile, forms: Mapping[str, Form], bar: Bar) -> Iterator[Tensor]:
    """The tensors of the new file, one after the other."""
    for name, form in forms.items():
        tensor, layers = file.read(name), plan.layers.get((file.path, name), [])
        if layers:
            yield _cast(_changed(plan, tensor, layers), form, plan.out, name)
        else:
            yield tensor if form_of(tensor) == form else _cast(tensor, form, plan.out, name)
        bar.advance()


def _changed(plan: MergePlan, tensor: Tensor, layers: Sequence[str]) -> Tensor:
    """The weight with every LoRA's change of it, in float32 at least."""
    weight = tensor if tensor.itemsize == 8 else tensor.float()
    for name in layers:
        change = plan.change(name)
        part = plan.base.places[name].within(weight, change.shape[0])
        part += (change.up.to(weight.dtype) @ change.down.to(weight.dtype)).reshape(part.shape)
    return weight


def _cast(tensor: Tensor, form: Form, out: Path, name: str) -> Tensor:
    """Raises `UserError` where numbers become infinite that were not."""
    cast = tensor.to(torch_dtype(form.dtype))
    if not bool(cast.float().isfinite().all()) and bool(tensor.float().isfinite().all()):
        raise UserError(
            f"{out}: {name} has numbers that {form.dtype} cannot hold.",
            "Give --precision bf16 or fp32, or a smaller weight.",
        )
    return cast
