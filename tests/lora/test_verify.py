"""`verify_lora` finds each fault that makes some program drop a LoRA, and none in a whole one."""

from __future__ import annotations

import pytest

from tests.lora.loras import base_layers, random_tensors
from tests.models import KINDS
from wrapper.lora.file import write_lora
from wrapper.lora.metadata import training_metadata
from wrapper.lora.verify import verify_lora

torch = pytest.importorskip("torch")
FC1 = "lora_te_text_model_encoder_layers_0_mlp_fc1"


@pytest.fixture
def layers(tiny_base):
    return base_layers(tiny_base("sd15"))


def _written(path, tensors, metadata=None):
    from safetensors.torch import save_file

    save_file({name: tensor.clone() for name, tensor in tensors.items()}, path, metadata)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_lora_has_no_faults(kind, tiny_base, tmp_path):
    layers = base_layers(tiny_base(kind))
    metadata = training_metadata(kind, True, "x", {}, resolution=(512, 512))
    write_lora(tmp_path / "a.safetensors", random_tensors(layers), metadata)
    assert verify_lora(tmp_path / "a.safetensors", kind) == []
    assert verify_lora(tmp_path / "a.safetensors", kind, layers) == []


def test_a_file_that_is_not_whole_is_one_fault(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"no")
    assert len(verify_lora(tmp_path / "a.safetensors", "sd15")) == 1


def _rename(old, new):
    return lambda tensors: {name.replace(old, new): tensor for name, tensor in tensors.items()}


def _set(name, value):
    return lambda tensors: {**tensors, name: value}


def _drop(name):
    return lambda tensors: {other: tensor for other, tensor in tensors.items() if other != name}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(_rename("te_text_model_", "te_"), "no program knows", id="flattened encoder"),
        pytest.param(_rename("mid_block_attentions_0_proj_in", "conv_in"), "conv_in", id="conv_in"),
        pytest.param(_rename("lora_te_", "lora_te1_"), "no program knows", id="SDXL's encoder name"),
        pytest.param(_drop(f"{FC1}.alpha"), "without alpha", id="no alpha"),
        pytest.param(_drop(f"{FC1}.lora_up.weight"), "lacks down or up", id="half a module"),
        pytest.param(_set(f"{FC1}.lora_up.weight", torch.ones(256, 9)), "differ in rank", id="uneven ranks"),
        pytest.param(_set(f"{FC1}.alpha", torch.tensor(float("nan"))), "not finite", id="alpha not a number"),
        pytest.param(_set(f"{FC1}.alpha", torch.tensor(0.0)), "not one positive", id="alpha of zero"),
        pytest.param(_set(f"{FC1}.alpha", torch.ones(2)), "not one positive", id="two alphas"),
        pytest.param(
            _set(f"{FC1}.lora_down.weight", torch.full((1, 64), float("inf"))), "not finite", id="infinite"
        ),
        pytest.param(
            lambda t: {n: v * 0 if "lora_up" in n else v for n, v in t.items()}, "changes nothing", id="zero"
        ),
    ],
)
def test_each_fault_is_found_without_the_base(change, says, layers, tmp_path):
    path = _written(tmp_path / "a.safetensors", change(random_tensors(layers)))
    assert any(says in fault for fault in verify_lora(path, "sd15"))


def test_the_base_shows_wrong_sizes_and_missing_layers(layers, tmp_path):
    tensors = random_tensors(layers)
    tensors[f"{FC1}.lora_down.weight"] = torch.ones(1, 768)
    path = _written(tmp_path / "a.safetensors", tensors)
    assert verify_lora(path, "sd15") == []
    few = {name: layer for name, layer in layers.items() if "mid_block" not in name}
    faults = verify_lora(path, "sd15", few)
    assert "modules that the base model lacks" in faults[0]
    assert "(256, 768, 1, 1), the layer is (256, 64, 1, 1)" in faults[1]


def test_metadata_that_contradict_the_tensors_are_faults(layers, tmp_path):
    metadata = {"ss_base_model_version": "sdxl_base_v1-0", "sshs_model_hash": "0" * 64}
    faults = verify_lora(_written(tmp_path / "a.safetensors", random_tensors(layers), metadata), "sd15")
    assert ["ss_base_model_version" in faults[0], "sshs_model_hash" in faults[1]] == [True, True]


def test_another_kind_is_the_only_fault(layers, tmp_path):
    path = _written(tmp_path / "a.safetensors", random_tensors(layers))
    (fault,) = verify_lora(path, "sdxl")
    assert fault.startswith("is a LoRA for SD 1.5, the base model is SDXL: 295 modules do not fit (lora_te_")
