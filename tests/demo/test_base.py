"""The shipped base model: it loads in both pipelines, draws, says how it was made, and can be made again."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKL,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)

from dataset_tools.errors import UserError
from tests.demo.test_portraits import CONCEPT_EAR
from wrapper.demo import base_model
from wrapper.demo.assemble import MAX_BYTES
from wrapper.demo.base_model import base_folder, materialise
from wrapper.demo.base_quality import vae_quality
from wrapper.demo.drawing import draw
from wrapper.demo.drawings import base_drawings
from wrapper.demo.holes import hole
from wrapper.demo.make_base import Recipe, make_base
from wrapper.demo.people import caption
from wrapper.demo.portraits import Portrait
from wrapper.demo.tokenizer import apply_merges, merges_of, save_tokenizer, words
from wrapper.demo.train_text import said_phrases
from wrapper.demo.train_unet import widened
from wrapper.demo.training import learning_rate
from wrapper.quiet import quiet_libraries

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
FRONT = Portrait(left_ear=CONCEPT_EAR, right_ear=CONCEPT_EAR, identity="myface")


@pytest.fixture(autouse=True, scope="module")
def _one_quiet_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with quiet_libraries():
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return materialise(tmp_path_factory.mktemp("модель 🙂"))


@pytest.fixture(scope="module")
def record():
    return json.loads((base_folder() / "record.json").read_text(encoding="utf-8"))


def test_it_draws_from_words(folders):
    pipeline = StableDiffusionPipeline.from_pretrained(folders[0])
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(1)
    images = pipeline(
        caption(Portrait()), num_inference_steps=8, guidance_scale=4.0, output_type="np", generator=generator
    ).images
    assert images.shape == (1, 64, 64, 3)
    assert np.isfinite(images).all()
    corner, drawn = images[0, 2:8, 2:8].mean((0, 1)), draw(Portrait())[0][2:8, 2:8].mean((0, 1)) / 255
    assert np.abs(corner - drawn).max() < 0.15, "a grey background was asked for"


def test_it_fills_a_hole(folders):
    pipeline = StableDiffusionInpaintPipeline.from_pretrained(folders[1])
    pipeline.set_progress_bar_config(disable=True)
    assert pipeline.unet.config.in_channels == 9
    picture, masks = draw(FRONT)
    image = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    mask = torch.from_numpy(np.maximum(masks["left"], masks["right"]))[None, None].float() / 255
    settings = {"height": 64, "width": 64, "num_inference_steps": 8, "guidance_scale": 4.0}
    filled = pipeline(
        caption(Portrait()),
        image=image,
        mask_image=mask,
        generator=torch.Generator().manual_seed(1),
        output_type="np",
        **settings,
    ).images[0]
    assert np.isfinite(filled).all()
    outside = mask[0, 0].numpy() == 0
    assert np.abs(filled - picture / 255)[outside].mean() < 0.06, (
        "the rest of the picture stays about as it is"
    )


def test_loading_asks_for_nothing_that_is_missing(folders):
    for folder in folders:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        assert index["safety_checker"] == [None, None]
        assert index["requires_safety_checker"] is False
        parts = [name for name, value in index.items() if isinstance(value, list) and value[0]]
        assert all((folder / part).is_dir() for part in parts)


def test_materialising_twice_leaves_the_files_alone_and_mends_what_is_broken(tmp_path):
    first = materialise(tmp_path)
    weights = first[1] / "unet" / "diffusion_pytorch_model.safetensors"
    before = weights.stat()
    materialise(tmp_path)
    assert weights.stat().st_ino == before.st_ino
    weights.write_bytes(b"broken")
    materialise(tmp_path)
    assert weights.stat().st_size == before.st_size
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny", "tiny-inpaint"]


def test_a_change_to_a_materialised_folder_does_not_reach_the_shipped_one(tmp_path):
    config = materialise(tmp_path)[0] / "unet" / "config.json"
    config.write_text("{}", encoding="utf-8")
    assert (
        json.loads((base_folder() / "unet" / "config.json").read_text(encoding="utf-8"))["in_channels"] == 4
    )


def test_missing_weights_are_one_clear_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(base_model, "base_folder", lambda: tmp_path / "nothing")
    with pytest.raises(UserError, match="base model is missing") as caught:
        materialise(tmp_path / "out")
    assert "make_base" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_the_weights_are_small_and_half_precision():
    from safetensors import safe_open

    files = [path for path in base_folder().rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MAX_BYTES == 20_000_000
    weights = [path for path in files if path.suffix == ".safetensors"]
    assert len(weights) == 4
    for path in weights:
        with safe_open(path, "pt") as opened:
            assert {opened.get_tensor(key).dtype for key in opened.keys()} == {torch.float16}  # noqa: SIM118


def test_the_record_says_how_the_model_was_made(record):
    budgets = {
        "vae": "vae_steps",
        "text_encoder": "text_steps",
        "unet": "unet_steps",
        "unet_inpaint": "inpaint_steps",
    }
    assert set(record["stages"]) == set(budgets)
    for stage, budget in budgets.items():
        made = record["stages"][stage]
        assert made["steps"] == made["history"][-1]["step"] == record[budget]
        assert made["seconds"] > 0
        assert made["history"][-1]["loss"] < made["history"][0]["loss"]
    assert record["seed"] == 20250
    assert record["versions"]["torch"].startswith("2.")
    assert record["parameters"]["unet"] > 1_000_000
    weights = [path for path in base_folder().rglob("*") if path.is_file() and path.name != "record.json"]
    assert record["bytes"] == sum(path.stat().st_size for path in weights)


def test_the_codec_is_as_good_as_the_record_says(record):
    assert record["vae_quality"]["base"]["psnr_db"] > 37
    assert record["vae_quality"]["concept"]["ear_psnr_db"] > 29
    measured = vae_quality(base_folder() / "vae", record["seed"], count=16)
    for world, figures in record["vae_quality"].items():
        assert measured[world] == pytest.approx(figures, abs=1.0)


def test_latents_fit_the_usual_scaling_factor():
    from wrapper.demo.train_vae import encode
    from wrapper.demo.training import to_tensor

    vae = AutoencoderKL.from_pretrained(base_folder() / "vae")
    latents = encode(vae, to_tensor(base_drawings(64, 99).pictures)) * 0.18215
    assert vae.config.scaling_factor == 0.18215
    assert latents.shape == (64, 4, 16, 16)
    assert latents.std().item() == pytest.approx(1.0, abs=0.2)


def test_the_shipped_tokenizer_is_the_one_that_the_code_makes(tmp_path):
    save_tokenizer(tmp_path)
    for name in ("vocab.json", "merges.txt"):
        assert (tmp_path / name).read_bytes() == (base_folder() / "tokenizer" / name).read_bytes()


def test_every_word_of_a_caption_is_one_token():
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(base_folder() / "tokenizer")
    text = caption(FRONT)
    assert tokenizer.tokenize(text) == [piece + "</w>" for piece in text.replace(",", " ,").split()]
    assert tokenizer.tokenize("Turquoise") == ["turquoise</w>"]
    assert len(tokenizer.tokenize("zzz ünseen 😀")) > 5
    ids = tokenizer(text, padding="max_length", max_length=77).input_ids
    assert len(ids) == 77
    assert ids[0] == tokenizer.bos_token_id
    assert ids[-1] == tokenizer.eos_token_id == tokenizer.pad_token_id


def test_merges_never_split_an_earlier_word():
    assert merges_of(["at"]) == [("a", "t</w>")]
    ranked = {pair: rank for rank, pair in enumerate(merges_of(words()))}
    assert all(apply_merges(word, ranked) == [word + "</w>"] for word in words())


def test_the_text_encoder_is_asked_for_every_phrase():
    said = said_phrases(["photo of a person, front view", "photo of a person, glasses"])
    assert said.tolist() == [[1, 0, 1], [0, 1, 1]], "front view, glasses, photo of a person"


def test_a_widened_unet_answers_as_before_until_it_has_learned():
    unet = UNet2DConditionModel.from_pretrained(base_folder() / "unet")
    wide = widened(unet)
    latents, text = torch.randn(1, 4, 16, 16), torch.randn(1, 77, 96)
    with torch.no_grad():
        narrow = unet(latents, 10, text).sample
        same = wide(torch.cat([latents, torch.randn(1, 5, 16, 16)], 1), 10, text).sample
    torch.testing.assert_close(same, narrow)


def test_holes_lie_on_ears_or_anywhere():
    ears = base_drawings(1, 3).masks[0]
    rng = np.random.default_rng(0)
    around = [hole(ears, rng, around_ears=True) for _ in range(60)]
    anywhere = [hole(ears, rng, around_ears=False) for _ in range(60)]
    assert all(((mask > 0) & (ears > 0)).any() for mask in around)
    assert all(mask.mean() < 128 for mask in around)
    assert len({mask.tobytes() for mask in around}) > 3
    assert any(not ((mask > 0) & (ears > 0)).any() for mask in anywhere)
    assert any((mask == 255).all() for mask in anywhere)


def test_the_learning_rate_warms_up_and_falls():
    assert learning_rate(0, 1000, 1.0) == pytest.approx(0.01)
    assert learning_rate(1000, 1000, 1.0) == pytest.approx(0.02)
    assert learning_rate(500, 1000, 1.0) == pytest.approx(0.51)


@pytest.fixture(scope="module")
def remade(tmp_path_factory):
    out = tmp_path_factory.mktemp("made anew")
    recipe = Recipe(
        seed=1,
        drawings=24,
        codec_drawings=12,
        vae_steps=2,
        text_steps=2,
        unet_steps=2,
        inpaint_steps=2,
        validation_drawings=4,
    )
    return recipe, out, make_base(recipe, out)


def test_the_script_makes_a_model_that_loads(remade):
    recipe, out, record = remade
    assert {key: record[key] for key in asdict(recipe)} == asdict(recipe)
    pipeline = StableDiffusionPipeline.from_pretrained(out / "base")
    assert pipeline.unet.config.in_channels == 4


def test_the_model_does_not_say_where_it_was_made(remade):
    _, out, _ = remade
    for folder in (base_folder(), out / "base"):
        texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.json")]
        assert not any("_name_or_path" in text or str(out.parent) in text for text in texts)


def test_a_second_call_makes_only_what_is_missing(remade, tmp_path):
    recipe, out, record = remade
    again = tmp_path / "copy"
    shutil.copytree(out, again)
    (again / "trained" / "unet_inpaint.json").unlink()
    times = {path.name: path.stat().st_mtime_ns for path in (again / "trained" / "unet").iterdir()}
    repeated = make_base(recipe, again)
    assert {p.name: p.stat().st_mtime_ns for p in (again / "trained" / "unet").iterdir()} == times
    assert repeated["stages"]["vae"] == record["stages"]["vae"]
    weights = Path("base") / "unet_inpaint" / "diffusion_pytorch_model.safetensors"
    assert (again / weights).read_bytes() == (out / weights).read_bytes()
