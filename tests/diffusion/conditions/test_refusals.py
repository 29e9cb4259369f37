"""Conditions that are not whole, or for another kind of base: refused before anything is loaded."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from dataset_tools.errors import UserError
from wrapper.base_model.detect import detect
from wrapper.diffusion.conditions.conditions import Conditions, Control, IpAdapter
from wrapper.diffusion.pipelines.opening import open_pipeline

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def nothing_is_loaded(monkeypatch):
    monkeypatch.setattr("wrapper.base_model.load.load_components", lambda *_: pytest.fail("loaded"))


@pytest.fixture
def control(steering, pictures):
    return Control("depth", pictures[0], steering("sd15").nets[0])


@pytest.fixture
def adapter(steering, pictures):
    models = steering("sd15")
    return IpAdapter(models.adapters["plain"], models.encoder, (pictures[0],))


def refused(tiny_base, *, controls=(), adapters=(), kind="sd15"):
    with pytest.raises(UserError) as raised:
        open_pipeline(detect(tiny_base(kind)), "txt2img", (), Conditions(tuple(controls), tuple(adapters)))
    return f"{raised.value.message} {raised.value.hint}"


def test_every_fault_is_told_at_once(control, adapter, tiny_base, tmp_path):
    said = refused(
        tiny_base,
        controls=[
            replace(control, kind="depht"),
            replace(control, start=0.7, end=0.5),
            replace(control, weight=-1),
            replace(control, image=tmp_path / "no.png", model=tmp_path / "no net"),
            replace(control, preprocessor=str(tmp_path / "no model")),
        ],
        adapters=[replace(adapter, file=tmp_path / "no.safetensors"), replace(adapter, images=())],
    )
    for part in (
        "control 'depht': is not a kind of control. Did you mean 'depth'?",
        "0.7-0.5 are no shares of the steps",
        "its weight -1 is below 0",
        "no.png: there is no such control image",
        "no net: there is no such ControlNet",
        "no model: there is no such folder of a preprocessor's model",
        "no.safetensors: there is no such IP-Adapter",
        "no image to be like",
    ):
        assert part in said


@pytest.mark.parametrize("other", ["sd15", "sdxl"])
def test_models_of_another_kind_of_base_are_named_as_such(other, control, adapter, tiny_base, steering):
    base, models = {"sd15": "sdxl", "sdxl": "sd15"}[other], steering(other)
    said = refused(tiny_base, controls=[replace(control, model=models.nets[0])], kind=base)
    assert "is a ControlNet for a base (text of" in said
    assert "cross_attention_dim does not fit" in said
    foreign = replace(adapter, file=models.adapters["plain"], encoder=models.encoder)
    said = refused(tiny_base, adapters=[foreign], kind=base)
    assert "is an IP-Adapter for a base (text of" in said
    assert "ip_adapter.1.to_k_ip.weight" in said


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("lllite_unet_x.down.0.weight", "a ControlNet-LLLite"),
        ("lora_controlnet", "a control-LoRA"),
        ("adapter.body.0.in_conv.weight", "a T2I-Adapter"),
        ("lora_unet_x.lora_down.weight", "a LoRA"),
        ("model.diffusion_model.input_blocks.0.0.weight", "a whole base model"),
        ("something.weight", "is no ControlNet"),
    ],
)
def test_other_files_are_told_by_name(name, what, control, tiny_base, tmp_path):
    from safetensors.torch import save_file

    save_file({name: torch.zeros(2, 2)}, tmp_path / "a.safetensors")
    assert what in refused(tiny_base, controls=[replace(control, model=tmp_path / "a.safetensors")])


def test_other_folders_are_told_by_name(control, tiny_base, tmp_path):
    union = tmp_path / "union"
    union.mkdir()
    (union / "config.json").write_text(json.dumps({"_class_name": "ControlNetUnionModel"}))
    empty = tmp_path / "empty"
    empty.mkdir()
    said = refused(tiny_base, controls=[replace(control, model=folder) for folder in (union, empty)])
    assert "union: is a ControlNetUnionModel, not a ControlNet" in said
    assert "empty: is no ControlNet's folder" in said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["lora_unet_x.lora_down.weight"], "is no IP-Adapter"),
        (["image_proj.proj.0.weight", "image_proj.proj.2.weight", "image_proj.norm.weight"], "FaceID"),
        (["image_proj.proj.0.weight", "image_proj.perceiver_resampler.proj_in.weight"], "FaceID"),
    ],
)
def test_adapters_that_take_no_image_are_told(names, said, adapter, tiny_base, tmp_path):
    from safetensors.torch import save_file

    tensors = {name: torch.zeros(2, 2) for name in names}
    if "lora" not in names[0]:
        tensors["ip_adapter.1.to_k_ip.weight"] = torch.zeros(32, 64)
    save_file(tensors, tmp_path / "a.safetensors")
    assert said in refused(tiny_base, adapters=[replace(adapter, file=tmp_path / "a.safetensors")])


def test_an_image_encoder_of_another_width_is_told(adapter, tiny_base, tmp_path):
    folder = shutil.copytree(adapter.encoder, tmp_path / "encoder")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "projection_dim": 1024}))
    assert "gives 1024 numbers, the IP-Adapter takes 24" in refused(
        tiny_base, adapters=[replace(adapter, encoder=folder)]
    )
