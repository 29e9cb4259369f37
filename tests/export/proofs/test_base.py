"""On its own base a LoRA is drawn with, and must change the picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dataset_tools.errors import RunFailed, UserError
from tests.export.loras import places, plain_layers, save, tensors
from wrapper.base_model.detect import BaseInfo, detect
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.export.export import export
from wrapper.export.plan import Order
from wrapper.export.proofs.base import base_layers
from wrapper.export.wish import Wish
from wrapper.lora.layers import Layer
from wrapper.lora.names import is_target

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
TinyBase = Callable[..., Path]


def layers_of(info: BaseInfo) -> dict[str, Layer]:
    pipeline = open_pipeline(info, "inpaint" if info.inpaint else "txt2img")
    every = base_layers(pipeline)
    return {name: layer for name, layer in every.items() if is_target(layer.component, layer.path)}


@pytest.mark.parametrize(("kind", "inpaint"), [("sd15", False), ("sd15", True), ("sdxl", False)])
def test_the_picture_changes_and_the_size_is_told(
    kind: str, inpaint: bool, tiny_base: TinyBase, tmp_path: Path
):
    info = detect(tiny_base(kind, inpaint=inpaint))
    source = save(tmp_path / "in.safetensors", tensors(layers_of(info), rank=4))
    exported = export([Order(Wish(source, "ear", trigger="an ear"), info)], places(a1111=tmp_path / "ui"))[0]
    last = exported.proofs[-1]
    assert (last.what, last.passed) == ("changes the picture of its base", True)
    assert "only a program that loads this same base can use it" in exported.notes[0]


def test_a_lora_too_weak_to_be_seen_is_not_delivered(tiny_base: TinyBase, tmp_path: Path):
    info = detect(tiny_base("sd15"))
    weak = {
        name: tensor * (1e-4 if "lora" in name.split(".")[-2] else 1)
        for name, tensor in tensors(layers_of(info)).items()
    }
    source = save(tmp_path / "in.safetensors", weak)
    with pytest.raises(RunFailed, match="changes the picture of its base: largest difference 0 of 255"):
        export([Order(Wish(source, "ear"), info)], places(a1111=tmp_path / "ui"))
    assert not (tmp_path / "ui").exists()


def test_without_its_base_a_lora_of_another_size_is_refused_with_a_hint(tiny_base: TinyBase, tmp_path: Path):
    info = detect(tiny_base("sd15"))
    source = save(tmp_path / "in.safetensors", tensors(layers_of(info)))
    with pytest.raises(RunFailed, match="shapes fit the layers: ") as caught:
        export([Order(Wish(source, "ear"))], places(a1111=tmp_path / "ui"))
    assert "give --base" in caught.value.hint


def test_a_base_of_another_kind_is_refused(tiny_base: TinyBase, tmp_path: Path):
    source = save(tmp_path / "in.safetensors", tensors(plain_layers("sd15")))
    with pytest.raises(
        UserError, match=r"is a LoRA for Stable Diffusion 1\.5, but .* is Stable Diffusion XL"
    ):
        export([Order(Wish(source, "ear"), detect(tiny_base("sdxl")))], places(a1111=tmp_path / "ui"))
