"""Whole runs on tiny random bases: what the files say, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from dataset_tools.errors import RunFailed, UserError
from tests.single_files import make_single_file
from tests.trainer.conftest import draw_pictures
from wrapper.base_model.detect import detect
from wrapper.base_model.kinds import COMPONENTS
from wrapper.base_model.load import load_components
from wrapper.lora.file import read_lora
from wrapper.lora.layers import model_layers
from wrapper.lora.verify import verify_lora
from wrapper.trainer.run import run

SCRIPTS = [
    ("train_network", "sd15", {"network_args": ["conv_dim=3", "conv_alpha=2"]}),
    ("train_network_inpaint", "sd15", {"masked_loss": True, "network_train_unet_only": True}),
    ("sdxl_train_network", "sdxl", {"cache_text_encoder_outputs": True, "network_train_unet_only": True}),
    ("train_network_inpaint", "sdxl", {"save_precision": "bf16", "gradient_checkpointing": True}),
]


@pytest.mark.parametrize(("script", "kind", "options"), SCRIPTS)
def test_every_kind_of_base_gives_a_whole_kohya_file(
    make_settings, tmp_path: Path, script: str, kind: str, options
):
    settings = make_settings(script, kind=kind, max_train_steps=2, **{"save_precision": "fp16", **options})
    run(settings)
    path = tmp_path / "out put" / "zorn.safetensors"
    info = detect(Path(settings.pretrained_model_name_or_path))
    parts = load_components(info, torch.float32)
    models = dict(zip(COMPONENTS[info.kind], [parts.unet, *parts.text_encoders], strict=True))
    if settings.network_train_unet_only:
        models = {"unet": parts.unet}
    layers = model_layers(models, info.kind, conv="network_args" in options)
    lora = read_lora(path)
    assert verify_lora(path, info.kind, layers) == []
    assert set(lora.modules()) == set(layers)
    assert {tensor.dtype for tensor in lora.tensors.values()} == {
        torch.bfloat16 if options.get("save_precision") else torch.float16
    }
    assert lora.metadata["ss_steps"] == "2"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_single_file_trains_with_the_tokenizer_that_is_named(
    make_settings, tiny_base, tmp_path: Path, monkeypatch
):
    monkeypatch.delenv("LORAWRAP_TOKENIZER_DIR", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    single = make_single_file(tiny_base("sd15"), tmp_path / "one file.safetensors")
    named = tmp_path / "tokenizers" / "openai_clip-vit-large-patch14"
    shutil.copytree(tiny_base("sd15") / "tokenizer", named)
    options = {"pretrained_model_name_or_path": str(single), "max_train_steps": 1}
    with pytest.raises(UserError, match="needs CLIP's tokenizer"):
        run(make_settings(**options))
    run(make_settings(**options, tokenizer_cache_dir=str(named.parent)))
    assert verify_lora(tmp_path / "out put" / "zorn.safetensors", "sd15") == []


def test_metadata_names_the_training_and_no_captions(make_settings, tmp_path: Path):
    reg = draw_pictures(tmp_path / "1_person", 2)
    run(make_settings(reg=reg, max_train_steps=1, metadata_author="A. Müller", masked_loss=False))
    metadata = read_lora(tmp_path / "out put" / "zorn.safetensors").metadata
    expected = {
        "ss_output_name": "zorn",
        "ss_network_dim": "2",
        "ss_network_alpha": "1",
        "ss_num_train_images": "6",
        "ss_num_reg_images": "6",
        "ss_num_batches_per_epoch": "6",
        "ss_base_model_version": "sd_v1",
        "ss_seed": "7",
        "modelspec.architecture": "stable-diffusion-v1/lora",
        "modelspec.author": "A. Müller",
    }
    assert {name: metadata.get(name) for name in expected} == expected
    assert json.loads(metadata["ss_dataset_dirs"]) == {"2_zorn person": {"n_repeats": 2, "img_count": 3}}
    assert "zorn head" not in json.dumps(metadata)
    assert "ss_tag_frequency" not in metadata


def test_tag_frequency_is_written_when_asked_for(make_settings, tmp_path: Path):
    run(make_settings(max_train_steps=1, metadata_tag_frequency=True))
    tags = json.loads(read_lora(tmp_path / "out put" / "zorn.safetensors").metadata["ss_tag_frequency"])
    assert tags["2_zorn person"]["zorn head"] == 3


def test_starting_from_a_lora_keeps_its_update_under_another_alpha(make_settings, tmp_path: Path, capsys):
    run(make_settings(output_name="first", max_train_steps=2))
    first = tmp_path / "out put" / "first.safetensors"
    options = {"network_weights": str(first), "learning_rate": 1e-9, "max_train_steps": 1}
    run(make_settings(network_alpha=4, network_train_unet_only=True, **options))
    before = read_lora(first).modules()
    after = read_lora(tmp_path / "out put" / "zorn.safetensors").modules()
    assert "left out: they are not trained" in capsys.readouterr().out
    for name, parts in after.items():
        old = before[name]
        torch.testing.assert_close(
            parts["alpha"] * parts["lora_up.weight"].flatten(1) @ parts["lora_down.weight"].flatten(1),
            old["alpha"] * old["lora_up.weight"].flatten(1) @ old["lora_down.weight"].flatten(1),
            rtol=1e-3,
            atol=1e-6,
        )


def test_sample_images_say_that_they_are_generated(make_settings, tmp_path: Path):
    from wrapper.diffusion.pictures.picture import read_digital_source, read_parameters

    prompts = tmp_path / "prompts.txt"
    prompts.write_text("# remark\na head --n blurry --w 64 --h 64 --s 2 --l 4 --d 5\n")
    run(make_settings(max_train_steps=2, sample_prompts=str(prompts), sample_every_n_steps=2))
    [picture] = (tmp_path / "out put" / "sample").iterdir()
    assert picture.name == "zorn_00000002_00_5.png"
    assert read_digital_source(picture) == "trainedAlgorithmicMedia"
    assert read_parameters(picture).fields["Seed"] == "5"
    prompts.write_text("a 16 year old girl\n")
    with pytest.raises(UserError):
        run(make_settings(max_train_steps=2, sample_prompts=str(prompts), sample_every_n_steps=2))


def test_tensorboard_gets_loss_and_rates(make_settings, tmp_path: Path):
    run(make_settings(max_train_steps=2, logging_dir=str(tmp_path / "logs"), log_with="tensorboard"))
    [events] = (tmp_path / "logs").rglob("events.out.tfevents.*")
    data = events.read_bytes()
    assert all(name in data for name in (b"loss/current", b"loss/average", b"lr/unet", b"lr/textencoder"))


def test_a_loss_that_is_not_finite_stops_the_run_without_a_file(make_settings, tmp_path: Path):
    settings = make_settings(learning_rate=1e30, max_grad_norm=0, max_train_steps=4, mixed_precision="no")
    with pytest.raises(RunFailed, match="not finite"):
        run(settings)
    assert not (tmp_path / "out put" / "zorn.safetensors").exists()


@pytest.mark.parametrize(
    ("script", "options", "message"),
    [
        ("sdxl_train_network", {}, "is no base for sdxl_train_network"),
        ("train_network", {"masks": True}, "'conditioning_data_dir' would be ignored"),
        ("train_network_inpaint", {"masks": False}, "needs masks"),
        ("train_network", {"mixed_precision": "fp16"}, "needs a GPU"),
        ("train_network", {"optimizer_type": "AdamW8bit"}, "AdamW8bit needs the bitsandbytes package"),
        ("train_network", {"xformers": True}, "needs the xformers package"),
        ("train_network", {"optimizer_args": ["d_coef=2"]}, "'d_coef' is not supported"),
        ("train_network", {"network_args": ["rank_dropout=0.1"]}, "'rank_dropout' is not supported"),
        ("train_network", {"subset": {"random_crop": True}}, "exclude each other"),
        ("train_network", {"dataset": {"resolution": 68}}, "multiples of 8"),
        ("train_network", {"learning_rate": 0}, "Nothing would learn"),
        ("train_network", {"subset": {"image_dir": "nowhere"}}, "no images found"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence(make_settings, tmp_path: Path, script, options, message):
    with pytest.raises(UserError, match=message):
        run(make_settings(script, max_train_steps=1, **options))
    assert not list((tmp_path / "out put").glob("*"))
