"""Whose spelling, which base, which layer: by the header alone, for every layer of both real models."""

from __future__ import annotations

import functools

import pytest

from tests.lora.full_size import full_size_layers
from wrapper.lora.names import ldm_path
from wrapper.lora.spellings import read as reading
from wrapper.lora.spellings.paths import place_of, text_path, unet_path
from wrapper.lora.spellings.read import recognise_file
from wrapper.lora.spellings.recognise import recognise
from wrapper.lora.spellings.tensor_names import read_name
from wrapper.safetensors_header import TensorSpec

pytest.importorskip("torch")

KINDS = ("sd15", "sdxl")
FOLDERS = {"unet": "unet", "te": "text_encoder", "te1": "text_encoder", "te2": "text_encoder_2"}
CLIPS = {"te": "clip_l", "te1": "clip_l", "te2": "clip_g"}


@functools.cache
def layers(kind):
    """Kohya name → (component, diffusers' path, LDM's or the nested path, shape)."""
    found = {}
    for name, layer in full_size_layers(kind).items():
        path = layer.path.removeprefix("text_model.")
        own = ldm_path(path) if layer.component == "unet" else f"text_model.{path}"
        found[name] = (layer.component, path, own, layer.weight_shape)
    return found


def _nested(component, path):
    return path if component == "unet" else f"text_model.{path}"


def _flat(path):
    return path.replace(".", "_")


PEFT = ("lora_A.weight", "lora_B.weight")
DOTTED = ("lora.down.weight", "lora.up.weight")
KOHYA = ("lora_down.weight", "lora_up.weight")
SPELLINGS = {
    "PEFT": (lambda c, p, o: f"{FOLDERS[c]}.{_nested(c, p)}", PEFT),
    "PEFT, flat text encoders": (lambda c, p, o: f"{FOLDERS[c]}.{p}", PEFT),
    "PEFT, an adapter's name": (
        lambda c, p, o: f"{FOLDERS[c]}.base_model.model.{_nested(c, p)}",
        ("lora_A.my-face_1.weight", "lora_B.my-face_1.weight"),
    ),
    "diffusers": (lambda c, p, o: f"{FOLDERS[c]}.{_nested(c, p)}", DOTTED),
    "diffusers, linear layers": (
        lambda c, p, o: f"{FOLDERS[c]}.{_nested(c, p)}",
        ("lora_linear_layer.down.weight", "lora_linear_layer.up.weight"),
    ),
    "OneTrainer, in training": (lambda c, p, o: f"{FOLDERS[c]}.{_nested(c, p)}", KOHYA),
    "ComfyUI": (
        lambda c, p, o: (
            f"diffusion_model.{o}" if c == "unet" else f"text_encoders.{CLIPS[c]}.transformer.{o}"
        ),
        PEFT,
    ),
    "Kohya": (lambda c, p, o: None, KOHYA),
    "Kohya, diffusers' blocks": (lambda c, p, o: f"lora_{c}_{_flat(_nested(c, p))}", KOHYA),
    "Kohya, LDM's blocks": (lambda c, p, o: f"lora_{c}_{_flat(o)}", KOHYA),
    "Kohya, flat text encoders": (lambda c, p, o: None if c == "unet" else f"lora_{c}_{_flat(p)}", KOHYA),
    "Kohya, first text encoder by the other number": (
        lambda c, p, o: {"te": f"lora_te1_{_flat(o)}", "te1": f"lora_te_{_flat(o)}"}.get(c),
        KOHYA,
    ),
}
TITLES = {
    ("PEFT", "sd15"): "PEFT",
    ("diffusers", "sdxl"): "diffusers",
    ("ComfyUI", "sdxl"): "ComfyUI",
    ("Kohya", "sd15"): "Kohya",
    ("Kohya", "sdxl"): "Kohya",
    ("Kohya, diffusers' blocks", "sd15"): "Kohya",
    ("Kohya, diffusers' blocks", "sdxl"): "Kohya with diffusers' block names",
    ("Kohya, LDM's blocks", "sd15"): "Kohya with LDM block names",
    ("Kohya, LDM's blocks", "sdxl"): "Kohya",
}


def header(names_of, parts, kind):
    """The header of a LoRA of rank 4 on every layer, and what its modules are called there."""
    specs, own_names = {}, {}
    for name, (component, path, own, shape) in layers(kind).items():
        own_names[name] = module = names_of(component, path, own) or name
        outputs, *inputs = shape
        ones = [1] * (len(inputs) - 1)
        specs[f"{module}.{parts[0]}"] = TensorSpec("F16", (4, *inputs), 0, 0)
        specs[f"{module}.{parts[1]}"] = TensorSpec("F16", (outputs, 4, *ones), 0, 0)
        if parts == KOHYA:
            specs[f"{module}.alpha"] = TensorSpec("F32", (), 0, 0)
    return specs, own_names


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_layer_is_found_in_every_spelling(spelling, kind):
    names_of, parts = SPELLINGS[spelling]
    specs, own_names = header(names_of, parts, kind)
    found = recognise(specs, {})
    assert (found.kind, found.inexact, found.refused, found.idle) == (kind, {}, None, ())
    assert {n: p["lora_up.weight"] for n, p in found.modules.items()} == {
        name: f"{own}.{parts[1]}" for name, own in own_names.items()
    }
    assert found.spelling == TITLES.get((spelling, kind), found.spelling)


@pytest.mark.parametrize("kind", KINDS)
def test_paths_lead_there_and_back(kind):
    for name, (component, path, own, _) in layers(kind).items():
        read = unet_path if component == "unet" else text_path
        assert {read(path), read(own), read(_flat(path)), read(_flat(own))} == {path}
        assert place_of(name) == (component, path)


@pytest.mark.parametrize("spelling", ["lycoris", "unet"])
def test_one_model_alone_is_found_too(spelling):
    specs = {
        name.replace("unet.", "lycoris_", 1).replace(".", "_", path.count("."))
        if spelling == "lycoris"
        else name: s
        for module, (component, path, _, shape) in layers("sdxl").items()
        if component == "unet"
        for name, s in {
            f"unet.{path}.lora_down.weight": TensorSpec("F16", (4, *shape[1:]), 0, 0),
            f"unet.{path}.lora_up.weight": TensorSpec("F16", (shape[0], 4, *[1] * len(shape[2:])), 0, 0),
        }.items()
    }
    found = recognise(specs, {})
    assert (found.kind, len(found.modules), found.inexact) == ("sdxl", 788, {})
    assert found.spelling == ("LyCORIS wrapper" if spelling == "lycoris" else "PEFT")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("lora_unet_conv_in", "conv_in"),
        ("lora_unet_input_blocks_0_0", "conv_in"),
        ("lora_unet_out_2", "conv_out"),
        ("lora_unet_time_embed_2", "time_embedding.linear_2"),
        ("lora_unet_label_emb_0_0", "add_embedding.linear_1"),
        ("lora_te2_text_projection", "text_projection"),
        ("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0", None),
    ],
)
def test_layers_beside_the_blocks_have_names_too(name, path):
    if path:
        assert place_of(name).path == path
        return
    with pytest.raises(ValueError, match="Kohya name"):
        place_of(name)


@pytest.mark.parametrize(
    ("name", "module", "part"),
    [
        (
            "unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.up.weight",
            "mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0",
            "lora_up.weight",
        ),
        (
            "mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down.weight",
            "mid_block.attentions.0.transformer_blocks.0.attn2.to_k",
            "lora_down.weight",
        ),
        (
            "base_model.model.mid_block.attentions.0.proj_in.hada_w1_a",
            "mid_block.attentions.0.proj_in",
            "hada_w1_a",
        ),
        (
            "base_model.model.mid_block.attentions.0.proj_in.lora_magnitude_vector.default.weight",
            "mid_block.attentions.0.proj_in",
            "dora_scale",
        ),
        ("model.diffusion_model.middle_block.1.proj_in.diff", "mid_block.attentions.0.proj_in", "diff"),
        ("lora_unet__mid_block_attentions_0_proj_in_.alpha", "mid_block.attentions.0.proj_in", "alpha"),
        (
            "lora_unet_mid_block_attentions_0_transformer_blocks.0.attn1.to_k.lora_up.weight",
            "mid_block.attentions.0.transformer_blocks.0.attn1.to_k",
            "lora_up.weight",
        ),
    ],
)
def test_rarer_names_are_taken_apart(name, module, part):
    found = read_name(name)
    assert (found.slot, found.path, found.part) == ("unet", module, part)


@pytest.mark.parametrize("side", ["q", "k", "v", "out"])
def test_attention_processors_of_text_encoders_are_their_projections(side):
    found = read_name(f"text_encoder.text_model.encoder.layers.3.self_attn.to_{side}_lora.up.weight")
    assert (found.slot, found.path) == ("text", f"encoder.layers.3.self_attn.{side}_proj")


@pytest.mark.parametrize(
    "name",
    ["unet.mid_block.norm.weight", "conv_in.bias", "bundle_emb.a.clip_l", "", "alpha", ".lora_A.weight"],
)
def test_other_tensors_are_no_loras(name):
    assert read_name(name) is None or read_name(name).path is None


def test_the_header_alone_is_read(tmp_path, monkeypatch):
    from safetensors.torch import save_file

    from tests.lora.spellings.written import named, plain

    module = "unet.up_blocks.3.attentions.0.proj_in"
    path = tmp_path / "a.safetensors"
    save_file(named(module, plain((8, 8))[0]), path)
    monkeypatch.setattr("wrapper.lora.spellings.read.open_tensors", None)
    assert recognise_file(path)[1].modules["lora_unet_up_blocks_3_attentions_0_proj_in"] == {
        "alpha": f"{module}.alpha",
        "lora_down.weight": f"{module}.lora_down.weight",
        "lora_up.weight": f"{module}.lora_up.weight",
    }
    with pytest.raises(TypeError):
        reading.read_any(path)
