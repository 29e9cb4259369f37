"""Every kind and layout loads offline, whole, without warnings, and draws."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from tests.models import KINDS
from tests.single_files import make_single_file
from wrapper.base_model.detect import detect
from wrapper.base_model.load import load_components, load_pipeline
from wrapper.base_model.tokenizer import TOKENIZER_DIR

torch = pytest.importorskip("torch")
SAME = {"atol": 1e-5, "rtol": 1e-4}


@pytest.fixture(scope="session")
def single_file(tiny_base, tmp_path_factory):
    def file(kind, inpaint=False):
        target = tmp_path_factory.mktemp("файлы 'single'") / f"{kind} ☕.safetensors"
        return make_single_file(tiny_base(kind, inpaint), target)

    return file


def _parts(components):
    return [components.unet, components.vae, *components.text_encoders]


@pytest.mark.parametrize("inpaint", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_single_file_holds_the_same_model_as_its_folder(kind, inpaint, tiny_base, single_file):
    folder = tiny_base(kind, inpaint)
    file = detect(single_file(kind, inpaint))
    assert (file.single_file, file.kind, file.inpaint) == (True, kind, inpaint)
    ours = load_components(file, torch.float32, tokenizer_dir=folder / "tokenizer")
    theirs = load_components(detect(folder), torch.float32)
    for mine, other in zip(_parts(ours), _parts(theirs), strict=True):
        assert (mine.training, other.training) == (False, False)
        weights = other.state_dict()
        assert mine.state_dict().keys() == weights.keys()
        assert all(torch.equal(tensor, weights[name]) for name, tensor in mine.state_dict().items())
    for mine, other in zip(ours.tokenizers, theirs.tokenizers, strict=True):
        assert mine("a café 🙂", padding="max_length") == other("a café 🙂", padding="max_length")


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_file_computes_what_its_folder_computes(kind, tiny_base, single_file):
    folder = tiny_base(kind)
    loaded = [
        load_components(detect(single_file(kind)), torch.float32, folder / "tokenizer"),
        load_components(detect(folder), torch.float32),
    ]
    image = torch.rand(1, 3, 32, 32)
    tokens = torch.tensor([[512, 5, 300, 513, 513, 513]])
    latents = [parts.vae.encode(image).latent_dist.mean for parts in loaded]
    torch.testing.assert_close(*latents, **SAME)
    for encoders in zip(*(parts.text_encoders for parts in loaded), strict=True):
        first, second = (encoder(tokens)[0] for encoder in encoders)
        torch.testing.assert_close(first, second, **SAME)
    torch.testing.assert_close(*(_noise(parts.unet) for parts in loaded), **SAME)


def _noise(unet):
    torch.manual_seed(0)
    added = {"text_embeds": torch.rand(1, 128), "time_ids": torch.rand(1, 6)}
    context = torch.rand(1, 6, unet.config.cross_attention_dim)
    return unet(torch.rand(1, 4, 8, 8), 10, context, added_cond_kwargs=added).sample


@pytest.mark.parametrize("inpaint", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_an_inpaint_pipeline_draws_with_four_and_nine_channels(kind, inpaint, tiny_base):
    pipeline = load_pipeline(detect(tiny_base(kind, inpaint)), "inpaint", torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = _quiet_scheduler(pipeline)
    image = pipeline(
        "ear", image=torch.rand(1, 3, 64, 64), mask_image=torch.ones(1, 1, 64, 64), width=64, height=64,
        num_inference_steps=2, output_type="np",
    ).images  # fmt: skip
    assert image.shape == (1, 64, 64, 3)
    assert image.std() > 0.01


def _quiet_scheduler(pipeline):
    from diffusers import DDIMScheduler

    return DDIMScheduler.from_config(pipeline.scheduler.config)


def test_any_scheduler_of_a_folder_loads_without_a_warning(tiny_base, tmp_path):
    folder = shutil.copytree(tiny_base("sd15"), tmp_path / "base")
    config = folder / "scheduler" / "scheduler_config.json"
    euler = {**json.loads(config.read_text()), "_class_name": "EulerAncestralDiscreteScheduler"}
    config.write_text(json.dumps(euler))
    pipeline = load_pipeline(detect(folder), "txt2img", torch.float32)
    assert type(pipeline.scheduler).__name__ == "EulerAncestralDiscreteScheduler"
    assert pipeline.scheduler.config.beta_end == 0.012


def test_an_inpaint_base_is_refused_for_text_to_image(tiny_base):
    with pytest.raises(UserError, match="9 channels"):
        load_pipeline(detect(tiny_base("sd15", inpaint=True)), "txt2img", torch.float32)


def test_half_precision_reaches_every_part(tiny_base):
    parts = load_components(detect(tiny_base("sdxl")), torch.bfloat16)
    assert {part.dtype for part in _parts(parts)} == {torch.bfloat16}


def test_a_base_that_was_taken_away_is_not_one_without_weights(tiny_base, tmp_path):
    info = detect(shutil.copytree(tiny_base("sd15"), tmp_path / "base"))
    shutil.rmtree(info.path)
    with pytest.raises(FileNotFoundError, match="base"):
        load_components(info, torch.float32)


def test_missing_weights_are_an_error_not_random_numbers(tiny_base, tmp_path):
    folder = shutil.copytree(tiny_base("sd15"), tmp_path / "base")
    for part in ("unet", "text_encoder"):
        file = next((folder / part).glob("*.safetensors"))
        whole = file.read_bytes()
        _drop_one_tensor(file)
        with pytest.raises(UserError, match="lacks 1 weights"):
            load_components(detect(folder), torch.float32)
        file.write_bytes(whole)


def _drop_one_tensor(file: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(file)
    tensors.pop(next(name for name in tensors if name.endswith("proj.weight") or "to_q" in name))
    save_file(tensors, file, {"format": "pt"})


def test_a_single_file_with_a_missing_tensor_is_refused(single_file, tiny_base):
    file = single_file("sd15")
    _drop_one_tensor(file)
    with pytest.raises(UserError, match="not those of its architecture"):
        load_components(detect(file), torch.float32, tiny_base("sd15") / "tokenizer")


def test_only_fp16_weights_are_found_by_their_variant(tiny_base, tmp_path):
    folder = shutil.copytree(tiny_base("sd15"), tmp_path / "base")
    for file in folder.rglob("*.safetensors"):
        file.rename(file.with_suffix(".fp16.safetensors"))
    assert load_components(detect(folder), torch.float32).unet.dtype == torch.float32


def test_pickled_weights_in_a_folder_are_refused(tiny_base, tmp_path):
    folder = shutil.copytree(tiny_base("sd15"), tmp_path / "base")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").rename(folder / "unet" / "weights.bin")
    with pytest.raises(UserError, match=r"no \.safetensors weights"):
        load_components(detect(folder), torch.float32)


@pytest.mark.parametrize("inside", ["", "openai_clip-vit-large-patch14", "tokenizer"])
def test_the_tokenizer_of_a_single_file_is_found_by_the_environment(
    inside, single_file, tiny_base, tmp_path, monkeypatch
):
    shutil.copytree(tiny_base("sd15") / "tokenizer", tmp_path / inside, dirs_exist_ok=True)
    monkeypatch.setenv(TOKENIZER_DIR, str(tmp_path))
    assert len(load_components(detect(single_file("sdxl")), torch.float32).tokenizers) == 2


def test_a_single_file_without_any_tokenizer_says_what_to_do(single_file, tmp_path, monkeypatch):
    monkeypatch.delenv(TOKENIZER_DIR, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    info = detect(single_file("sd15"))
    with pytest.raises(UserError, match="needs CLIP's tokenizer") as raised:
        load_components(info, torch.float32)
    assert TOKENIZER_DIR in raised.value.hint
    with pytest.raises(UserError, match="has no tokenizer"):
        load_components(info, torch.float32, tmp_path)


def test_a_tokenizer_of_another_size_is_refused(single_file, tiny_base, tmp_path):
    folder = shutil.copytree(tiny_base("sd15") / "tokenizer", tmp_path / "t")
    (folder / "tokenizer.json").unlink()
    words = json.loads((folder / "vocab.json").read_text())
    (folder / "vocab.json").write_text(json.dumps({**words, "ear</w>": len(words)}))
    with pytest.raises(UserError, match="515 tokens, the base model 514"):
        load_components(detect(single_file("sd15")), torch.float32, folder)
