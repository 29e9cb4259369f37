"""Kohya's names the other way: diffusers and PEFT load every module, and compute the same."""

from __future__ import annotations

import json

import pytest

from tests.lora.full_size import full_size_layers, full_size_models
from tests.lora.loras import base_layers, random_tensors
from tests.lora.spellings.written import delta_of, plain
from wrapper.base_model.detect import detect
from wrapper.base_model.load import load_pipeline
from wrapper.lora.file import Lora
from wrapper.lora.spellings.read import read_any
from wrapper.lora.spellings.write import FOLDERS, under_diffusers_names, under_peft_names
from wrapper.quiet import quiet_libraries

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

KINDS = ("sd15", "sdxl")


@pytest.fixture(scope="module")
def pipelines(tiny_base):
    return {kind: load_pipeline(detect(tiny_base(kind)), "txt2img", torch.float32) for kind in KINDS}


def _save(tensors, path, metadata=None):
    from safetensors.torch import save_file

    path.parent.mkdir(exist_ok=True)
    save_file(dict(tensors), path, metadata)


def _loaded(pipeline):
    """ΔW of every layer that diffusers put a LoRA on, by folder and path."""
    found = {}
    for folder in ("unet", "text_encoder", "text_encoder_2"):
        model = getattr(pipeline, folder, None)
        for name, layer in model.named_modules() if model is not None else ():
            if hasattr(layer, "lora_A") and len(layer.lora_A):
                adapter = next(iter(layer.lora_A))
                found[folder, name.removeprefix("text_model.")] = layer.get_delta_weight(adapter).detach()
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_diffusers_loads_all_of_it_with_mixed_ranks_and_alphas(kind, pipelines, tiny_base, tmp_path, caplog):
    layers = base_layers(tiny_base(kind), outer=True)
    lora = Lora(random_tensors(layers, mixed=True), {"ss_output_name": "мой ☕", "sshs_model_hash": "0"})
    tensors, metadata = under_diffusers_names(lora, kind)
    assert metadata == {"ss_output_name": "мой ☕", "format": "pt"}
    _save(tensors, tmp_path / "a b.safetensors", metadata)
    pipeline = pipelines[kind]
    with quiet_libraries():
        pipeline.load_lora_weights(tmp_path, weight_name="a b.safetensors")
        try:
            loaded = _loaded(pipeline)
        finally:
            pipeline.unload_lora_weights()
    assert not [record for record in caplog.records if "unexpected" in record.message.lower()]
    wanted = {
        (FOLDERS[layer.component], layer.path.removeprefix("text_model.")): delta_of(lora.modules()[name])
        for name, layer in layers.items()
    }
    assert set(loaded) == set(wanted)
    for place, delta in wanted.items():
        torch.testing.assert_close(loaded[place], delta.float(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back_is_the_same_lora(kind, tiny_base, tmp_path):
    layers = base_layers(tiny_base(kind), outer=True)
    lora = Lora({n: t.half() for n, t in random_tensors(layers, mixed=False).items()}, {})
    tensors, metadata = under_diffusers_names(lora, kind)
    _save(tensors, tmp_path / "a.safetensors", metadata)
    read = read_any(tmp_path / "a.safetensors")
    assert (read.kind, read.spelling, set(read.lora.tensors)) == (kind, "PEFT", set(lora.tensors))
    modules = read.lora.modules()
    for name, parts in lora.modules().items():
        assert torch.equal(modules[name]["lora_down.weight"], parts["lora_down.weight"])
        assert torch.equal(delta_of(modules[name]), delta_of(parts))


@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_of_the_real_models_gets_the_name_of_a_module_there(kind):
    layers = full_size_layers(kind)
    parts = {
        "lora_down.weight": torch.zeros(1, 1),
        "lora_up.weight": torch.zeros(1, 1),
        "alpha": torch.ones(()),
    }
    lora = Lora({f"{name}.{part}": tensor for name in layers for part, tensor in parts.items()}, {})
    modules = {
        f"{FOLDERS[component]}.{name.removeprefix('text_model.')}"
        for component, model in full_size_models(kind).items()
        for name, _ in model.named_modules()
    }
    written = {
        name.rsplit(".lora_", 1)[0].replace(".text_model.", ".")
        for name in under_diffusers_names(lora, kind)[0]
    }
    assert len(written) == len(layers)
    assert written <= modules


@pytest.mark.parametrize(("alpha", "rank", "dtype"), [(2.0, 4, torch.float16), (4.0, 3, torch.float32)])
def test_a_scale_is_never_rounded(alpha, rank, dtype):
    parts = {n: t.half() for n, t in plain((16, 12), rank, alpha)[0].items()}
    name = "lora_te_text_model_encoder_layers_0_mlp_fc1"
    lora = Lora({f"{name}.{part}": tensor for part, tensor in parts.items()}, {})
    tensors, _ = under_diffusers_names(lora, "sd15")
    path = "text_encoder.text_model.encoder.layers.0.mlp.fc1"
    down, up = tensors[f"{path}.lora_A.weight"], tensors[f"{path}.lora_B.weight"]
    assert (down.dtype, up.dtype) == (dtype, dtype)
    wanted = delta_of(lora.modules()[name])
    torch.testing.assert_close(up.double() @ down.double(), wanted, rtol=1e-6, atol=1e-6)


def test_peft_loads_a_folder_of_each_model(pipelines, tiny_base, tmp_path):
    layers = base_layers(tiny_base("sdxl"), outer=True)
    lora = Lora(random_tensors(layers, mixed=True), {})
    adapters = under_peft_names(lora, "sdxl", flat_clip=True)
    assert set(adapters) == {"unet", "text_encoder", "text_encoder_2"}
    for folder, (tensors, config) in adapters.items():
        place = tmp_path / folder
        _save(tensors, place / "adapter_model.safetensors", {"format": "pt"})
        (place / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
        with quiet_libraries():
            model = peft.PeftModel.from_pretrained(getattr(pipelines["sdxl"], folder), place)
            deltas = {
                name.removeprefix("base_model.model.").removeprefix("text_model."): layer.get_delta_weight(
                    "default"
                ).detach()
                for name, layer in model.named_modules()
                if hasattr(layer, "lora_A") and len(layer.lora_A)
            }
            model.unload()
        own = {n: layer for n, layer in layers.items() if FOLDERS[layer.component] == folder}
        assert len(deltas) == len(own)
        for name, layer in own.items():
            wanted = delta_of(lora.modules()[name]).float()
            torch.testing.assert_close(
                deltas[layer.path.removeprefix("text_model.")], wanted, rtol=1e-5, atol=1e-6
            )


def test_an_own_folder_of_peft_is_read_back(tiny_base, tmp_path):
    layers = base_layers(tiny_base("sdxl"), outer=True)
    lora = Lora(random_tensors(layers, mixed=True), {})
    for folder, (tensors, config) in under_peft_names(lora, "sdxl").items():
        _save(tensors, tmp_path / folder / "adapter_model.safetensors")
        (tmp_path / folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
        read = read_any(tmp_path / folder / "adapter_model.safetensors", "sdxl")
        for name, parts in read.lora.modules().items():
            torch.testing.assert_close(delta_of(parts), delta_of(lora.modules()[name]), rtol=1e-6, atol=1e-7)
