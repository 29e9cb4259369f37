"""A LoRA in the spelling of diffusers or PEFT acts as the same one in Kohya's, and as diffusers has it."""

from __future__ import annotations

import json

import pytest

from dataset_tools.errors import UserError
from tests.lora.loras import base_layers, random_lora, random_tensors
from tests.lora.spellings import written
from tests.models import KINDS
from wrapper.base_model.detect import detect
from wrapper.base_model.load import load_pipeline
from wrapper.demo.base_model import base_folder
from wrapper.lora.apply import LoraUse, apply_loras, pipeline_models, unload_loras
from wrapper.lora.file import write_lora
from wrapper.lora.fitting import check_fits
from wrapper.lora.layers import model_layers
from wrapper.lora.spellings.read import read_any
from wrapper.quiet import quiet_libraries

torch = pytest.importorskip("torch")
FOLDERS = {"unet": "unet", "te": "text_encoder", "te1": "text_encoder", "te2": "text_encoder_2"}
FORMS = {
    "PEFT": ("{part}.{path}.lora_A.weight", "{part}.{path}.lora_B.weight"),
    "PEFT with a named adapter": (
        "{part}.base_model.model.{path}.lora_A.default.weight",
        "{part}.base_model.model.{path}.lora_B.default.weight",
    ),
}


@pytest.fixture(scope="module")
def pipelines(tiny_base):
    return {kind: load_pipeline(detect(tiny_base(kind)), "txt2img", torch.float32) for kind in KINDS}


@pytest.fixture
def clean(pipelines):
    def pipeline(kind):
        unload_loras(pipelines[kind])
        return pipelines[kind]

    return pipeline


def _unet_output(pipeline):
    unet, random = pipeline.unet, torch.Generator().manual_seed(1)
    context = torch.rand(1, 6, unet.config.cross_attention_dim, generator=random)
    added = {"text_embeds": torch.rand(1, 128, generator=random), "time_ids": torch.ones(1, 6)}
    with torch.no_grad():
        return unet(torch.rand(1, 4, 8, 8, generator=random), 10, context, added_cond_kwargs=added).sample


def _outputs(pipeline):
    tokens = torch.tensor([[512, 65, 66, 67, 513, 513]])
    encoders = [model for name, model in pipeline_models(pipeline)[1].items() if name != "unet"]
    with torch.no_grad():
        return [_unet_output(pipeline), *(encoder(tokens)[0] for encoder in encoders)]


def _foreign(tensors, layers, form, level="text_model."):
    """The tensors of a Kohya LoRA without its alphas, in another spelling."""
    named = {}
    for name, layer in layers.items():
        path = layer.path if layer.component == "unet" else level + layer.path.removeprefix("text_model.")
        for side, part in zip(FORMS[form], ("down", "up"), strict=True):
            foreign = side.format(part=FOLDERS[layer.component], path=path)
            named[foreign] = tensors[f"{name}.lora_{part}.weight"]
    return named


def _applied(pipeline, path, weight=0.7):
    unload_loras(pipeline)
    apply_loras(pipeline, [LoraUse(path, weight)])
    return _outputs(pipeline)


@pytest.mark.parametrize(("kind", "form"), list(zip(KINDS, FORMS, strict=True)))
def test_every_spelling_is_the_same_lora(kind, form, clean, tiny_base, tmp_path):
    from safetensors.torch import save_file

    pipeline, layers = clean(kind), base_layers(tiny_base(kind))
    plain, tensors = _outputs(pipeline), random_tensors(layers)
    ranks = {n: torch.tensor(float(tensors[f"{n}.lora_down.weight"].shape[0])) for n in layers}
    kohya, foreign = tmp_path / "kohya.safetensors", tmp_path / "чужая ☕.safetensors"
    write_lora(kohya, {**tensors, **{f"{n}.alpha": alpha for n, alpha in ranks.items()}}, {})
    save_file(_foreign(tensors, layers, form, "text_model." if kind == "sd15" else ""), foreign)
    ours = _applied(pipeline, foreign)
    for mine, wanted, before in zip(ours, _applied(pipeline, kohya), plain, strict=True):
        assert torch.equal(mine, wanted)
        assert (mine - before).abs().max() > 1e-3


MADE = {
    "ff_net_2": written.loha,
    "to_v": lambda shape: written.lokr(shape, first=1),
    "fc1": written.lokr,
    "conv2": written.tucker,
    "conv1": lambda shape: written.loha(shape, core=True),
    "time_emb_proj": written.full,
    "text_projection": written.plain,
    "linear_1": written.plain,
    "conv_in": written.plain,
    "conv_out": written.loha,
}
"""Which form the layers of these names get in the next test."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_form_on_every_sort_of_layer_acts_as_its_delta(kind, clean, tmp_path):
    pipeline = clean(kind)
    models = pipeline_models(pipeline)[1]
    tensors, deltas = {}, {}
    for name, layer in model_layers(models, kind, outer=True).items():
        ends = [end for end in MADE if layer.path.replace(".", "_").endswith(end)]
        if ends:
            parts, delta = MADE[ends[0]](layer.weight_shape)
            tensors |= written.named(name, parts)
            deltas[layer] = delta
    path = written.save(tmp_path / "all forms.safetensors", tensors)
    before, ours = _outputs(pipeline), _applied(pipeline, path, 0.02)
    unload_loras(pipeline)
    for layer, delta in deltas.items():
        models[layer.component].get_submodule(layer.path).weight.data += 0.02 * delta.float()
    try:
        merged = _outputs(pipeline)
    finally:
        for layer, delta in deltas.items():
            models[layer.component].get_submodule(layer.path).weight.data -= 0.02 * delta.float()
    for mine, wanted, plain in zip(ours, merged, before, strict=True):
        torch.testing.assert_close(mine, wanted, atol=1e-4, rtol=1e-3)
        assert (mine - plain).abs().max() > 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_diffusers_wrote_acts_as_in_diffusers(kind, clean, tmp_path):
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    pipeline = clean(kind)
    config = LoraConfig(r=4, lora_alpha=2, target_modules=["to_q", "to_out.0"], init_lora_weights=False)
    with quiet_libraries():
        pipeline.unet.add_adapter(config, "mine")
        weights = get_peft_model_state_dict(pipeline.unet, adapter_name="mine")
        theirs = _unet_output(pipeline)
        type(pipeline).save_lora_weights(
            tmp_path, unet_lora_layers=weights, unet_lora_adapter_metadata=config.to_dict()
        )
    ours = _applied(pipeline, tmp_path / "pytorch_lora_weights.safetensors", 1.0)
    torch.testing.assert_close(ours[0], theirs, atol=1e-5, rtol=1e-4)


def test_alphas_of_the_metadata_count_with_their_patterns(clean, tiny_base, tmp_path):
    layers = base_layers(tiny_base("sd15"))
    names = [n for n in layers if n.endswith("attn1_to_q") or n.endswith("attn1_to_k")]
    some = {name: layers[name] for name in names}
    tensors = random_tensors(some, mixed=False)
    settings = {"unet.lora_alpha": 2.0, "unet.alpha_pattern": {"attn1.to_k": 8.0}}
    foreign = {n: t.contiguous() for n, t in _foreign(tensors, some, "PEFT").items()}
    from safetensors.torch import save_file

    save_file(foreign, tmp_path / "a.safetensors", {"lora_adapter_metadata": json.dumps(settings)})
    alphas = {f"{n}.alpha": torch.tensor(8.0 if n.endswith("to_k") else 2.0) for n in some}
    write_lora(tmp_path / "b.safetensors", {**tensors, **alphas}, {})
    pipeline = clean("sd15")
    first, second = (_applied(pipeline, tmp_path / f"{name}.safetensors")[0] for name in "ab")
    assert torch.equal(first, second)


def test_diffusers_block_names_on_sdxl_are_its_own_layers(clean, tiny_base, tmp_path):
    layers = base_layers(tiny_base("sdxl"))
    tensors = random_tensors(layers)
    by_path = {n: f"lora_{layer.component}_{layer.path.replace('.', '_')}" for n, layer in layers.items()}
    renamed = {f"{by_path[n.partition('.')[0]]}.{n.partition('.')[2]}": t for n, t in tensors.items()}
    for name, found in (("kohya", tensors), ("blocks", renamed)):
        write_lora(tmp_path / f"{name}.safetensors", found, {})
    pipeline = clean("sdxl")
    first, second = (_applied(pipeline, tmp_path / f"{name}.safetensors") for name in ("kohya", "blocks"))
    assert all(torch.equal(mine, other) for mine, other in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("lora", "base", "says"),
    [
        ("sdxl", "sd15", r"is a LoRA for SDXL, the base model is SD 1\.5: \d+ modules do not fit \(\w+"),
        ("sd15", "sdxl", r"is a LoRA for SD 1\.5, the base model is SDXL: \d+ modules do not fit"),
    ],
)
def test_one_for_another_kind_is_named_as_such_with_what_does_not_fit(
    lora, base, says, clean, tiny_base, tmp_path
):
    from safetensors.torch import save_file

    layers = base_layers(tiny_base(lora))
    save_file(_foreign(random_tensors(layers), layers, "PEFT"), tmp_path / "a.safetensors")
    with pytest.raises(UserError, match=says):
        apply_loras(clean(base), [LoraUse(tmp_path / "a.safetensors")])


def test_dora_is_no_plain_lora(clean, tiny_base, tmp_path):
    from safetensors.torch import save_file

    layers = base_layers(tiny_base("sd15"))
    tensors = _foreign(random_tensors(layers), layers, "PEFT")
    tensors["unet.mid_block.attentions.0.proj_in.lora_magnitude_vector"] = torch.ones(64)
    save_file(tensors, tmp_path / "a.safetensors")
    with pytest.raises(UserError, match=r"'unet\.mid_block\.attentions\.0\.proj_in' is a DoRA"):
        apply_loras(clean("sd15"), [LoraUse(tmp_path / "a.safetensors")])


@pytest.mark.parametrize("with_text", [True, False])
def test_loras_of_a_base_with_fewer_levels_fit_it(with_text, tmp_path):
    """The demo's base has three levels where SD 1.5 has four: attention stands where only SDXL has it."""
    layers = {
        name: layer
        for name, layer in base_layers(base_folder()).items()
        if "attn1" in layer.path or (with_text and layer.component == "te")
    }
    assert any("up_blocks_0_attentions" in name for name in layers)
    path = random_lora(tmp_path / "no metadata.safetensors", layers)
    check_fits(detect(base_folder()), [path])
    assert read_any(path, "sd15").kind == "sd15"
