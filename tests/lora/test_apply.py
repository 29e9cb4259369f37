"""What a pipeline computes with a LoRA is what its merged weights would compute."""

from __future__ import annotations

import copy

import pytest

from dataset_tools.errors import UserError
from tests.lora.loras import base_layers, random_lora, random_tensors
from tests.models import KINDS
from wrapper.base_model.detect import detect
from wrapper.base_model.load import load_pipeline
from wrapper.lora.apply import LoraUse, apply_loras, pipeline_models, unload_loras
from wrapper.lora.file import by_module, read_lora, write_lora
from wrapper.lora.layers import model_layers

torch = pytest.importorskip("torch")
CLOSE = {"atol": 2e-5, "rtol": 1e-4}


@pytest.fixture(scope="module")
def pipelines(tiny_base):
    loaded = {}

    def pipeline(kind, inpaint=False):
        if (kind, inpaint) not in loaded:
            loaded[kind, inpaint] = load_pipeline(detect(tiny_base(kind, inpaint)), "inpaint", torch.float32)
        return loaded[kind, inpaint]

    yield pipeline
    for each in loaded.values():
        unload_loras(each)


@pytest.fixture
def clean(pipelines):
    def pipeline(kind, inpaint=False):
        unload_loras(pipelines(kind, inpaint))
        return pipelines(kind, inpaint)

    return pipeline


def _outputs(models):
    """What the U-Net and the text encoders make of fixed random input."""
    generator = torch.Generator().manual_seed(1)
    unet = models["unet"]
    context = torch.rand(1, 6, unet.config.cross_attention_dim, generator=generator)
    latents = torch.rand(1, unet.config.in_channels, 8, 8, generator=generator)
    added = {"text_embeds": torch.rand(1, 128, generator=generator), "time_ids": torch.ones(1, 6)}
    tokens = torch.tensor([[512, 65, 66, 67, 513, 513]])
    with torch.no_grad():
        found = {"unet": unet(latents, 10, context, added_cond_kwargs=added).sample}
        for component in models:
            if component != "unet":
                found[component] = models[component](tokens)[0]
    return found


def _merged(kind, models, *uses):
    """Copies of the models with ``W + weight · alpha / rank · up @ down`` written into them."""
    models = copy.deepcopy(models)
    layers = model_layers(models, kind)
    for path, weights in uses:
        for name, parts in read_lora(path).modules().items():
            down, up = parts["lora_down.weight"], parts["lora_up.weight"]
            scale = float(parts["alpha"]) / down.shape[0] * weights[layers[name].component == "unet"]
            delta = scale * (up.flatten(1) @ down.flatten(1)).reshape(layers[name].weight_shape)
            models[layers[name].component].get_submodule(layers[name].path).weight.data += delta
    return models


@pytest.mark.parametrize("inpaint", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_lora_of_mixed_ranks_and_alphas_acts_as_its_merged_weights(
    kind, inpaint, clean, tiny_base, tmp_path
):
    pipeline = clean(kind, inpaint)
    _, models = pipeline_models(pipeline)
    path = random_lora(tmp_path / "mixed 'ранги' ☕.safetensors", base_layers(tiny_base(kind, inpaint)))
    plain, wanted = _outputs(models), _outputs(_merged(kind, models, (path, (0.4, 0.7))))
    apply_loras(pipeline, [LoraUse(path, 0.7, te_weight=0.4)])
    for component, output in _outputs(models).items():
        torch.testing.assert_close(output, wanted[component], **CLOSE)
        assert (output - plain[component]).abs().max() > 1e-3


def test_several_loras_add_up_whether_given_at_once_or_one_by_one(clean, tiny_base, tmp_path):
    pipeline = clean("sd15")
    _, models = pipeline_models(pipeline)
    layers = base_layers(tiny_base("sd15"))
    some = {name: layer for place, (name, layer) in enumerate(layers.items()) if place % 3}
    first, second = (
        random_lora(tmp_path / "1.safetensors", layers),
        random_lora(tmp_path / "2.safetensors", some, 5),
    )
    wanted = _outputs(_merged("sd15", models, (first, (1.0, 1.0)), (second, (-0.5, -0.5))))
    apply_loras(pipeline, [LoraUse(first), LoraUse(second, -0.5)])
    together = _outputs(models)
    unload_loras(pipeline)
    apply_loras(pipeline, [LoraUse(first)])
    apply_loras(pipeline, [LoraUse(second, -0.5)])
    for component, output in _outputs(models).items():
        torch.testing.assert_close(output, wanted[component], **CLOSE)
        torch.testing.assert_close(output, together[component], **CLOSE)


@pytest.mark.parametrize("kind", KINDS)
def test_unloading_leaves_the_very_layers_of_the_base(kind, clean, tiny_base, tmp_path):
    pipeline = clean(kind)
    _, models = pipeline_models(pipeline)
    before = {c: dict(model.named_modules()) for c, model in models.items()}
    plain = _outputs(models)
    path = random_lora(tmp_path / "a.safetensors", base_layers(tiny_base(kind)))
    apply_loras(pipeline, [LoraUse(path), LoraUse(path)])
    unload_loras(pipeline)
    for component, model in models.items():
        after = dict(model.named_modules())
        assert after.keys() == before[component].keys()
        assert all(after[name] is module for name, module in before[component].items())
        assert torch.equal(_outputs(models)[component], plain[component])
    unload_loras(pipeline)


def test_a_lora_of_one_component_leaves_the_others_alone(clean, tiny_base, tmp_path):
    pipeline = clean("sdxl")
    _, models = pipeline_models(pipeline)
    layers = {n: layer for n, layer in base_layers(tiny_base("sdxl")).items() if layer.component == "te2"}
    plain = _outputs(models)
    apply_loras(pipeline, [LoraUse(random_lora(tmp_path / "te2.safetensors", layers))])
    changed = {c for c, output in _outputs(models).items() if not torch.equal(output, plain[c])}
    assert changed == {"te2"}


def test_applying_takes_no_random_numbers_and_needs_no_gradients(clean, tiny_base, tmp_path):
    pipeline = clean("sd15")
    path = random_lora(tmp_path / "a.safetensors", base_layers(tiny_base("sd15")))
    state = torch.get_rng_state()
    apply_loras(pipeline, [LoraUse(path)])
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(weight.requires_grad for weight in pipeline.unet.parameters())


def test_without_alpha_the_rank_is_the_alpha(clean, tiny_base, tmp_path):
    from safetensors.torch import save_file

    layers = base_layers(tiny_base("sd15"))
    tensors = random_tensors(layers, mixed=False)
    bare, told = tmp_path / "bare.safetensors", tmp_path / "told.safetensors"
    save_file({name: tensor for name, tensor in tensors.items() if not name.endswith("alpha")}, bare)
    write_lora(told, {n: torch.tensor(4.0) if n.endswith("alpha") else t for n, t in tensors.items()}, {})
    outputs = []
    for path in (bare, told):
        pipeline = clean("sd15")
        apply_loras(pipeline, [LoraUse(path)])
        outputs.append(_outputs(pipeline_models(pipeline)[1])["unet"])
    assert torch.equal(*outputs)


def test_a_linear_lora_fits_a_convolution_of_one_pixel(clean, tiny_base, tmp_path):
    layers = base_layers(tiny_base("sd15"))
    name = "lora_unet_mid_block_attentions_0_proj_in"
    tensors = random_tensors({name: layers[name]}, mixed=False)
    outputs = []
    for shaped in (tensors, {n: t.flatten(1) if t.ndim == 4 else t for n, t in tensors.items()}):
        write_lora(tmp_path / "a.safetensors", shaped, {})
        pipeline = clean("sd15")
        apply_loras(pipeline, [LoraUse(tmp_path / "a.safetensors")])
        outputs.append(_outputs(pipeline_models(pipeline)[1])["unet"])
    assert torch.equal(*outputs)


@pytest.mark.parametrize(
    ("lora", "base", "says"),
    [("sdxl", "sd15", "for SDXL, the base model is SD 1.5"), ("sd15", "sdxl", "for SD 1.5")],
)
def test_a_lora_for_another_kind_is_refused_by_name(lora, base, says, clean, tiny_base, tmp_path):
    pipeline = clean(base)
    path = random_lora(tmp_path / "wrong.safetensors", base_layers(tiny_base(lora)))
    with pytest.raises(UserError, match=says) as raised:
        apply_loras(pipeline, [LoraUse(path)])
    assert str(path) in raised.value.message


def test_modules_that_do_not_fit_are_all_named_and_nothing_is_applied(clean, tiny_base, tmp_path):
    pipeline = clean("sd15")
    layers = base_layers(tiny_base("sd15"))
    good = random_lora(tmp_path / "good.safetensors", layers)
    extra, small = random_tensors(layers), random_tensors(layers)
    for part in ("lora_down.weight", "lora_up.weight", "alpha"):
        extra[f"lora_unet_down_blocks_9_resnets_0_conv1.{part}"] = extra[
            f"lora_unet_mid_block_attentions_0_proj_in.{part}"
        ]
    small["lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight"] = torch.zeros(8, 1)
    for name, tensors in (("extra", extra), ("small", small)):
        write_lora(tmp_path / f"{name}.safetensors", tensors, {})
    with pytest.raises(UserError) as raised:
        apply_loras(
            pipeline, [LoraUse(tmp_path / f"{name}.safetensors") for name in ("good", "extra", "small")]
        )
    message = raised.value.message
    assert "1 module that the base model lacks (lora_unet_down_blocks_9_resnets_0_conv1)" in message
    assert (
        "lora_te_text_model_encoder_layers_0_mlp_fc1 makes (8, 64, 1, 1), the layer is (256, 64, 1, 1)"
        in message
    )
    assert str(good) not in message
    assert not hasattr(pipeline.unet, "peft_config")


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("lora_E", "is an AdaLoRA"),
        ("hada_w1_a", r"has parts that make no known form \(hada_w1_a\)"),
        (None, "lacks its down half"),
        ("", "is no LoRA that is known here"),
    ],
)
def test_other_adapters_and_halves_are_refused(part, says, clean, tiny_base, tmp_path):
    from safetensors.torch import save_file

    name = "lora_te_text_model_encoder_layers_0_mlp_fc1"
    tensors = random_tensors({name: base_layers(tiny_base("sd15"))[name]})
    down = tensors.pop(f"{name}.lora_down.weight")
    if part:
        tensors[f"{name}.{part}"] = down
    if part == "":
        tensors = {"weight": down}
    save_file(tensors, tmp_path / "a.safetensors")
    with pytest.raises(UserError, match=says):
        apply_loras(clean("sd15"), [LoraUse(tmp_path / "a.safetensors")])


def test_a_lora_of_a_run_gone_to_nan_is_refused(clean, tiny_base, tmp_path):
    tensors = random_tensors(base_layers(tiny_base("sd15")))
    name = "lora_te_text_model_encoder_layers_0_mlp_fc1"
    tensors[f"{name}.lora_up.weight"][0, 0] = float("nan")
    write_lora(tmp_path / "nan.safetensors", tensors, {})
    pipeline = clean("sd15")
    with pytest.raises(UserError, match=rf"not finite \({name}\)"):
        apply_loras(pipeline, [LoraUse(tmp_path / "nan.safetensors")])
    assert not hasattr(pipeline.unet, "peft_config")


def test_modules_are_grouped_with_their_parts():
    assert by_module({"m.alpha": 1, "m.lora_up.weight": 2}) == {"m": {"alpha": 1, "lora_up.weight": 2}}
