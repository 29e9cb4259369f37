"""What the inpaint script trains on, to the number: masks, latents and loss against references."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch.nn import functional

from dataset_tools.pictures.mask_variants import MaskChange, Variant, vary
from tests.sd_scripts.harness import train_arguments
from tests.sd_scripts.inpaint import Bench, write_data
from tests.trainer.conftest import write_dataset_toml
from wrapper.trainer.config import read_settings
from wrapper.trainer.data.batches import Sight
from wrapper.trainer.data.samples import load_sample
from wrapper.trainer.prepare import prepare

SPY = Path(__file__).with_name("spy.py")
SIZES = ("original_sizes_hw", "crop_top_lefts", "target_sizes_hw")
ODD_SIZES = ((97, 171), (130, 61), (333, 200), (64, 64), (71, 250))
VARY = {"mask_jitter_px": 5, "mask_dilate_px": 3}


def spy(bench: Bench, **values: Any) -> dict[str, Any]:
    out = bench.folder / "seen.pt"
    words = train_arguments(
        bench.base,
        bench.folder / "out",
        dataset_config=bench.folder / "data.toml",
        network_train_unet_only=True,
        **values,
    )
    env = {"LORAWRAP_CACHE_DIR": str(bench.folder / "cache")}
    done = bench.scripts.run(bench.base, SPY, [str(out), *words], env)
    assert done.returncode == 0, done.stdout
    return torch.load(out, weights_only=False)


def draw_its_own_mask(folder: Path) -> None:
    """Pictures of odd sizes that show, white on black, exactly what their masks mark."""
    pictures, masks = folder / "рот", folder / "masks"
    for place in (pictures, masks):
        place.mkdir()
    for number, size in enumerate(ODD_SIZES):
        drawn = Image.new("L", size)
        width, height = size
        ImageDraw.Draw(drawn).ellipse((width * 0.15, height * 0.3, width * 0.55, height * 0.8), fill=255)
        drawn.convert("RGB").save(pictures / f"{number}.png")
        drawn.save(masks / f"{number}.png")
        (pictures / f"{number}.txt").write_text(f"number {number}", encoding="utf-8")
    write_dataset_toml(
        folder / "data.toml",
        {"resolution": [128, 128], "enable_bucket": True, "min_bucket_reso": 64, "max_bucket_reso": 256},
        [
            {
                "image_dir": str(pictures),
                "conditioning_data_dir": str(masks),
                "caption_extension": ".txt",
                "flip_aug": True,
            }
        ],
    )


@pytest.fixture
def odd(scripts, single_base, tmp_path: Path) -> Bench:
    draw_its_own_mask(tmp_path)
    return Bench(scripts, single_base("sd15", True), tmp_path)


def test_masks_lie_on_their_pictures_to_the_pixel(odd: Bench, monkeypatch: pytest.MonkeyPatch):
    seen = spy(odd, max_train_steps=10, mask_variants=2, masked_loss=True)
    assert len({step["images"].shape for step in seen["steps"]}) > 1
    assert {flipped for step in seen["steps"] for flipped in step["flippeds"]} == {True, False}
    for step in seen["steps"]:
        shown, marked = step["images"][:, :1] > 0, step["inpaint_hole"] > 0.5
        assert marked.any()
        assert (shown == marked).all()  # an intersection over union of 1.0
        assert ((step["conditioning_images"] + 1) / 2 >= 128 / 255).equal(marked)
    _same_as_the_embedded_trainers(odd, seen)


def _same_as_the_embedded_trainers(odd: Bench, seen: dict[str, Any]) -> None:
    argv = ["--pretrained_model_name_or_path", str(odd.base.file), "--output_dir", "x", "--output_name", "y"]
    settings = read_settings(
        [*argv, "--dataset_config", str(odd.folder / "data.toml")], "train_network_inpaint"
    )
    pictures = {picture.caption: picture for picture in prepare(settings).sets[0].pictures}
    for step in seen["steps"]:
        sight = Sight(pictures[step["captions"][0]], "", step["flippeds"][0], None)
        sample = load_sample(sight, need_mask=True)
        assert ((step["inpaint_hole"][0, 0] > 0.5).numpy() == (sample.mask >= 128)).all()
        image = ((step["images"][0] + 1) * 127.5).permute(1, 2, 0).numpy()
        assert np.abs(image - sample.image).max() <= 1


def test_both_trainers_vary_masks_alike(scripts, single_base, tmp_path: Path):
    write_data(tmp_path, count=1)
    bench = Bench(scripts, single_base("sd15", True), tmp_path)
    seen = spy(bench, max_train_steps=1, **VARY)
    [path] = (tmp_path / "it's 2_zorn ухо masks").iterdir()
    mask = np.asarray(Image.open(path).convert("L"))
    change = MaskChange(5, 3)
    ours = [vary(mask, change, Variant(k, seed)) for k in ("own", "random", "full") for seed in range(4)]
    assert [one.numpy().tolist() for one in seen["varied"]] == [one.tolist() for one in ours]


@pytest.mark.parametrize("normalize", [False, True], ids=["plain", "normalised"])
def test_the_masked_loss_is_the_written_out_one(scripts, single_base, tmp_path: Path, normalize: bool):
    write_data(tmp_path)
    bench = Bench(scripts, single_base("sd15", True), tmp_path)
    values = {
        "masked_loss": True,
        "masked_loss_normalize": normalize,
        "mask_dilate_px": 4,
        "mask_variants": 2,
    }
    for step in spy(bench, cache_latents=True, **values)["steps"]:
        noise = _noise(step)
        weight = (step["conditioning_images"] + 1) / 2
        hole = weight > 0
        error = (step["predicted"] - noise) ** 2
        per_picture = (error * weight).mean(dim=(1, 2, 3))
        assert torch.allclose(step["loss"], per_picture.mean(), rtol=1e-3)
        assert torch.allclose(weight.mean(dim=(1, 2, 3)), torch.ones(len(weight))) is normalize
        assert 0 < hole.float().mean() < 0.7


def test_without_masked_loss_every_pixel_counts(scripts, single_base, tmp_path: Path):
    write_data(tmp_path)
    bench = Bench(scripts, single_base("sd15", True), tmp_path)
    [step, _] = spy(bench, cache_latents=True)["steps"]
    assert torch.allclose(step["loss"], functional.mse_loss(step["predicted"], _noise(step)), rtol=1e-3)


def _noise(step: dict[str, Any]) -> torch.Tensor:
    """ε out of x_t = √ᾱ x₀ + √(1 − ᾱ) ε (Ho et al. 2020, eq. 4), SD's schedule."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    alpha = torch.cumprod(1 - betas, 0)[step["timesteps"]].view(-1, 1, 1, 1).float()
    return (step["noisy"] - alpha.sqrt() * step["latents"] * step["scale"]) / (1 - alpha).sqrt()


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_the_first_prediction_is_the_embedded_trainers(
    scripts, single_base, tiny_base, tmp_path: Path, kind: str
):
    """Both start with a LoRA of nothing: with the same noise and the same latents they predict the same."""
    from wrapper.trainer.loss import Noising
    from wrapper.trainer.model import load_model
    from wrapper.trainer.step import predict
    from wrapper.trainer.text import encode

    write_data(tmp_path, size=(64, 64))
    bench = Bench(scripts, single_base(kind, True), tmp_path)
    step = spy(bench, cache_latents=True, max_train_steps=1)["steps"][0]
    argv = ["--pretrained_model_name_or_path", str(tiny_base(kind, True)), "--output_dir", "x"]
    settings = read_settings(
        [*argv, "--output_name", "y", "--dataset_config", str(tmp_path / "data.toml")],
        "train_network_inpaint",
    )
    job = prepare(replace(settings, values={**settings.values, "seed": 1}))
    model = load_model(job.info, job.settings, torch.device("cpu"))
    row = {
        "masked": torch.cat([step["inpaint_hole"], step["inpaint_shown"] * step["scale"]], dim=1),
        "time_ids": torch.cat([step[name] for name in SIZES], dim=1).float(),
    }
    with torch.no_grad():
        text = encode(model, step["captions"], None)
        if kind == "sdxl":  # shrunk configs do not know where the tiny tokenizer ends a text
            text["pooled"] = step["conds"][2]
        ours = predict(model, Noising(_noise(step), step["noisy"], step["timesteps"]), row, text)
    assert torch.allclose(step["condition"], row["masked"], atol=1e-6)
    assert torch.allclose(ours, step["predicted"], atol=2e-4 * float(ours.abs().max()))
