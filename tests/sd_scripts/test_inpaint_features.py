"""What else the inpaint script does: starts from a LoRA, resumes, widens, samples, caches, tells, refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.sd_scripts.inpaint import Bench, write_data
from tests.trainer.conftest import write_toml
from wrapper.lora.file import read_lora
from wrapper.lora.verify import verify_lora

DISK = {"cache_latents": True, "cache_latents_to_disk": True}


@pytest.fixture
def bench(scripts, single_base, tmp_path: Path) -> Callable[..., Bench]:
    def make(kind: str = "sd15", inpaint: bool = True, **data: Any) -> Bench:
        write_data(tmp_path, **data)
        return Bench(scripts, single_base(kind, inpaint), tmp_path)

    return make


def change(one: Path, other: Path) -> float:
    """The largest difference between two LoRAs' weights."""
    left, right = read_lora(one).tensors, read_lora(other).tensors
    assert left.keys() == right.keys()
    return max(float((left[name].float() - right[name].float()).abs().max()) for name in left)


def test_stage_b_starts_from_stage_a_or_has_it_merged(bench):
    bench = bench()
    first = bench.train(name="a", learning_rate=0.05)
    assert first.returncode == 0, first.stdout
    onward = bench.train(name="b", network_weights=bench.lora("a"), learning_rate=1e-9)
    assert onward.returncode == 0, onward.stdout
    assert change(bench.lora("a"), bench.lora("b")) < 1e-6
    merged = bench.train(name="c", base_weights=bench.lora("a"))
    assert merged.returncode == 0, merged.stdout
    assert "all weights merged" in merged.stdout
    assert verify_lora(bench.lora("c"), "sd15") == []


def test_a_run_goes_on_from_its_state(bench):
    bench = bench()
    first = bench.train(save_state_on_train_end=True, cache_latents=True)
    assert first.returncode == 0, first.stdout
    state = bench.folder / "out" / "ear-state"
    done = bench.train(name="more", resume=state, skip_until_initial_step=True, max_train_steps=5)
    assert done.returncode == 0, done.stdout
    assert read_lora(bench.lora("more")).metadata["ss_steps"] == "5"


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_a_base_of_four_channels_is_widened(bench, kind: str):
    bench = bench(kind, inpaint=False)
    done = bench.train(masked_loss=True)
    assert done.returncode == 0, done.stdout
    assert "widened with zeros" in done.stdout
    assert verify_lora(bench.lora(), kind) == []


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_samples_repaint_pictures_of_the_training_set_or_of_the_line(bench, kind: str):
    bench = bench(kind)
    image, mask = bench.folder / "my photo.png", bench.folder / "my mask.png"
    Image.fromarray(np.full((128, 64, 3), 90, np.uint8)).save(image)
    marked = np.zeros((128, 64), np.uint8)
    marked[30:60, 10:40] = 255
    Image.fromarray(marked).save(mask)
    prompts = bench.folder / "prompts.txt"
    prompts.write_text(
        "# two scenes\nan ear --s 2 --d 5 --n blurry\n"
        f"an ear --i {image} --m {mask} --s 2 --d 5 --ss euler_a\n",
        encoding="utf-8",
    )
    done = bench.train(
        sample_prompts=prompts, sample_every_n_steps=2, sample_at_first=True, network_dropout=0.1
    )
    assert done.returncode == 0, done.stdout
    drawn = sorted((bench.folder / "out" / "sample").iterdir())
    assert [path.name.split("_")[1:3] for path in drawn] == [
        ["000002", "00"],
        ["000002", "01"],
        ["e000000", "00"],
        ["e000000", "01"],
    ]
    repainted = np.asarray(Image.open(drawn[1]))
    assert repainted.shape == (128, 64, 3)
    assert (repainted[marked == 0] == 90).all()
    assert (repainted[marked == 255] != 90).any()


def test_metadata_is_complete_and_keeps_captions_out(bench):
    bench = bench(dataset={"enable_bucket": True, "min_bucket_reso": 64}, count=2)
    done = bench.train(masked_loss=True, mask_jitter_px=3)
    assert done.returncode == 0, done.stdout
    told = read_lora(bench.lora()).metadata
    assert told["ss_num_train_images"] == "4"
    assert told["ss_base_model_version"] == "sd_v1"
    assert told["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert told["modelspec.tags"] == "inpainting"
    assert (told["ss_masked_loss"], told["ss_mask_jitter_px"]) == ("True", "3")
    assert json.loads(told["ss_bucket_info"])["buckets"]["0"] == {"resolution": [64, 64], "count": 4}
    assert json.loads(told["ss_dataset_dirs"]) == {"it's 2_zorn ухо": {"n_repeats": 2, "img_count": 2}}
    [dataset] = json.loads(told["ss_datasets"])
    assert dataset["subsets"][0]["img_count"] == 2
    assert json.loads(told["ss_tag_frequency"]) == {}
    assert "zorn head" not in json.dumps(told)


def test_captions_tags_are_written_when_asked_for(bench):
    bench = bench(count=1)
    done = bench.train(metadata_tag_frequency=True)
    assert done.returncode == 0, done.stdout
    told = read_lora(bench.lora()).metadata
    assert json.loads(told["ss_tag_frequency"]) == {"it's 2_zorn ухо": {"zorn head": 1, "number 0": 1}}


def test_the_cache_knows_pictures_and_masks_by_their_contents(bench):
    bench = bench(count=2, subset={"flip_aug": True})
    before = {path for path in bench.folder.rglob("*") if "ухо" in str(path)}
    again = {"mask_jitter_px": 2, "mask_variants": 2, **DISK}
    assert "latents: 4 encoded with 2 masks each, 0 found" in bench.train(**again).stdout
    assert "latents: 0 encoded with 2 masks each, 4 found" in bench.train(**again).stdout
    mask = next(bench.folder.glob("*masks/*.png"))
    pixels = np.asarray(Image.open(mask)).copy()
    pixels[0, 0] = 255
    Image.fromarray(pixels).save(mask)
    assert "latents: 2 encoded with 2 masks each, 2 found" in bench.train(**again).stdout
    assert {path for path in bench.folder.rglob("*") if "ухо" in str(path)} == before


def test_every_fault_is_told_in_one_sentence(bench):
    bench = bench(count=3)
    masks = sorted(bench.folder.glob("*masks/*.png"))
    masks[0].rename(masks[0].with_name("other.png"))
    Image.new("L", (32, 64), 255).save(masks[1])
    done = bench.train()
    assert done.returncode == 2, done.stdout
    error = done.stdout.splitlines()[-1]
    assert error.startswith("error: ")
    assert "has no mask in" in error
    assert "other.png: belongs to no picture" in error
    assert "is 32x64, its picture" in error
    assert not bench.lora().exists()


def test_a_black_mask_is_refused_before_training(bench):
    bench = bench(count=1)
    [mask] = bench.folder.glob("*masks/*.png")
    Image.new("L", (64, 64)).save(mask)
    done = bench.train()
    assert done.returncode == 2, done.stdout
    assert "no white pixel" in done.stdout.splitlines()[-1]


def test_a_key_that_sd_scripts_would_ignore_is_refused(bench):
    bench = bench(count=1)
    config = write_toml(bench.folder / "train.toml", {"learning_rte": 1e-4, "mask_jitter_px": 2})
    done = bench.train(config_file=config)
    assert done.returncode == 2, done.stdout
    assert "'learning_rte' is not an option" in done.stdout.splitlines()[-1]


def test_captions_are_dropped_in_the_epochs_that_were_asked_for(bench, monkeypatch: pytest.MonkeyPatch):
    from tests.sd_scripts.test_inpaint_numbers import spy

    bench = bench(count=1, subset={"caption_dropout_every_n_epochs": 2}, dataset={"batch_size": 1})
    steps = spy(bench, max_train_steps=6)["steps"]
    texts = [step["captions"][0] for step in steps]
    assert {text for text in texts} == {"", "zorn head, number 0"}


def test_a_normal_loras_keys(bench):
    bench = bench(count=1)
    done = bench.train(network_train_unet_only=None)
    assert done.returncode == 0, done.stdout
    assert verify_lora(bench.lora(), "sd15") == []
    assert all(torch.isfinite(tensor).all() for tensor in read_lora(bench.lora()).tensors.values())
