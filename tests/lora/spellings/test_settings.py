"""Alphas that stand beside the tensors: what PEFT itself computes with its settings is what is read."""

from __future__ import annotations

import json
import shutil

import pytest

from dataset_tools.errors import UserError
from tests.lora.spellings.written import delta_of, named, plain, random, save
from wrapper.base_model.detect import detect
from wrapper.base_model.load import load_pipeline
from wrapper.lora.spellings.paths import place_of
from wrapper.lora.spellings.read import read_any
from wrapper.quiet import quiet_libraries

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

TARGETS = ["to_q", "to_out.0", "proj_in", "conv1", "ff.net.2"]
PATH = "base_model.model.up_blocks.3.attentions.0.proj_in"
MODULE = "lora_unet_up_blocks_3_attentions_0_proj_in"


@pytest.fixture(scope="module")
def pipelines(tiny_base):
    return {
        kind: load_pipeline(detect(tiny_base(kind)), "txt2img", torch.float32) for kind in ("sd15", "sdxl")
    }


def _fill(model):
    generator = torch.Generator().manual_seed(4)
    for name, weight in model.named_parameters():
        if any(part in name for part in ("lora_", "hada_", "lokr_")):
            weight.data.copy_(torch.randn(weight.shape, generator=generator) * 0.2)


def _deltas(model):
    """Every adapted layer's ΔW, as PEFT itself works it out."""
    found = {}
    for name, layer in model.named_modules():
        if hasattr(layer, "get_delta_weight") and getattr(layer, "scaling", None):
            path = name.removeprefix("base_model.model.").removeprefix("text_model.")
            found[path] = layer.get_delta_weight("default").detach()
    return found


def _compare(read, deltas):
    modules = read.lora.modules()
    assert len(modules) == len(deltas) > 4
    for name, parts in modules.items():
        delta = deltas[place_of(name).path]
        torch.testing.assert_close(delta_of(parts).float(), delta, rtol=1e-5, atol=1e-6)


CONFIGS = {
    "one alpha": peft.LoraConfig(r=4, lora_alpha=2, target_modules=TARGETS),
    "rank-stabilised": peft.LoraConfig(r=4, lora_alpha=2, target_modules=TARGETS, use_rslora=True),
    "ranks and alphas by pattern": peft.LoraConfig(
        r=4,
        lora_alpha=2,
        target_modules=TARGETS,
        rank_pattern={"conv1": 2, r"down_blocks\.1\..*\.to_q": 6},
        alpha_pattern={"conv1": 3, r"attn2\.to_q": 16},
    ),
    "LoHa": peft.LoHaConfig(r=2, alpha=5, target_modules=TARGETS),
    "LoHa with cores": peft.LoHaConfig(r=2, alpha=5, target_modules=["conv1"], use_effective_conv2d=True),
    "LoKr": peft.LoKrConfig(r=2, alpha=5, target_modules=TARGETS, decompose_factor=4),
    "LoKr, both factored": peft.LoKrConfig(r=1, alpha=5, target_modules=TARGETS, decompose_both=True),
    "LoKr of whole matrices": peft.LoKrConfig(r=64, alpha=16, target_modules=["to_q"], decompose_factor=8),
    "LoKr with a core": peft.LoKrConfig(r=2, alpha=5, target_modules=["conv1"], use_effective_conv2d=True),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_folder_of_peft_acts_as_in_peft(case, pipelines, tmp_path):
    with quiet_libraries():
        model = peft.get_peft_model(pipelines["sd15"].unet, CONFIGS[case])
        try:
            _fill(model)
            model.save_pretrained(tmp_path / "my lora")
            deltas = _deltas(model)
        finally:
            pipelines["sd15"].unet = model.unload()
    read = read_any(tmp_path / "my lora" / "adapter_model.safetensors")
    assert read.kind == "sd15"
    _compare(read, deltas)
    assert not any("no adapter_config.json" in note for note in read.notes)


def test_an_adapter_of_the_second_text_encoder_says_so(pipelines, tmp_path):
    config = peft.LoraConfig(r=4, lora_alpha=2, target_modules=["q_proj", "fc1"])
    with quiet_libraries():
        model = peft.get_peft_model(pipelines["sdxl"].text_encoder_2, config)
        try:
            _fill(model)
            model.save_pretrained(tmp_path)
            deltas = _deltas(model)
        finally:
            pipelines["sdxl"].text_encoder_2 = model.unload()
    read = read_any(tmp_path / "adapter_model.safetensors")
    assert all(name.startswith("lora_te2_") for name in read.lora.modules())
    _compare(read, deltas)


def _folder(folder, config):
    parts, bare = plain((16, 12), rank=4, alpha=None)
    tensors = {
        f"{PATH}.lora_A.weight": parts["lora_down.weight"],
        f"{PATH}.lora_B.weight": parts["lora_up.weight"],
    }
    path = save(folder / "adapter_model.safetensors", tensors)
    if config is not None:
        text = config if isinstance(config, str) else json.dumps(config)
        (folder / "adapter_config.json").write_text(text, encoding="utf-8")
    return path, bare


def test_without_its_settings_the_rank_is_taken_and_said(tmp_path):
    path, bare = _folder(tmp_path, None)
    read = read_any(path)
    torch.testing.assert_close(delta_of(read.lora.modules()[MODULE])[..., 0, 0], bare)
    assert any("no adapter_config.json lies beside the file" in note for note in read.notes)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"init_lora_weights": "pissa_niter_4"}, "begun with pissa_niter_4, which changes the base"),
        ({"use_dora": True, "lora_alpha": 4}, "is a DoRA"),
        ({"fan_in_fan_out": True}, "the other way round"),
        ("{not JSON", "adapter_config.json: is not JSON"),
        ("[1]", "adapter_config.json: is not a table of settings"),
        ("[" * 100_000, "adapter_config.json: is not JSON"),
        ({"lora_alpha": 1, "alpha_pattern": {"(": 2}}, r"the pattern '\(' cannot be read"),
        ({"lora_alpha": "many"}, "lora_alpha is 'many', which is no number"),
    ],
)
def test_settings_that_cannot_be_honoured_are_named(config, says, tmp_path):
    path, _ = _folder(tmp_path, config)
    with pytest.raises(UserError, match=says):
        read_any(path)


def test_other_files_do_not_take_the_settings_beside_them(tmp_path):
    _folder(tmp_path, {"lora_alpha": 400, "use_dora": True})
    other = save(tmp_path / "other.safetensors", named(MODULE, plain((16, 12), alpha=None)[0]))
    assert float(read_any(other).lora.modules()[MODULE]["alpha"]) == 3


def test_alphas_of_the_file_win_over_the_settings(tmp_path):
    path, bare = _folder(tmp_path, {"lora_alpha": 400})
    from safetensors.torch import load_file

    tensors = {**load_file(path), f"{PATH}.alpha": torch.tensor(2.0)}
    shutil.rmtree(tmp_path)
    path, _ = _folder(tmp_path, {"lora_alpha": 400})
    save(path, tensors)
    torch.testing.assert_close(delta_of(read_any(path).lora.modules()[MODULE])[..., 0, 0], bare * 0.5)


def test_the_metadata_of_diffusers_are_settings(tmp_path):
    settings = {"unet.lora_alpha": 2.0, "unet.use_rslora": True, "text_encoder.lora_alpha": 1.0, "unet.r": 4}
    names = {"unet": "unet.up_blocks.3.attentions.0.proj_in", "text": "text_encoder.encoder.layers.0.mlp.fc1"}
    tensors = {
        f"{name}.{side}.weight": tensor
        for name in names.values()
        for side, tensor in (("lora_A", random(4, 12)), ("lora_B", random(16, 4)))
    }
    path = save(tmp_path / "a.safetensors", tensors, {"lora_adapter_metadata": json.dumps(settings)})
    alphas = {name: float(parts["alpha"]) for name, parts in read_any(path).lora.modules().items()}
    assert alphas == {MODULE: 4.0, "lora_te_text_model_encoder_layers_0_mlp_fc1": 1.0}
