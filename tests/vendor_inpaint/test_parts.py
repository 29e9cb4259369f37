"""Parts of the inpaint script: the base, prompts, pairs, tensors, cache, hooks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from inpaint.base import BaseModel, inspect
from inpaint.cache import RowCache, row_key
from inpaint.channels import widen
from inpaint.encode import shrink_hole, shrink_weight, to_hole, to_pixels, to_weight
from inpaint.hooks import NAMES, check_hooks
from inpaint.metadata import HINT, buckets, with_inpainting
from inpaint.pairs import pair, read_mask, turned
from inpaint.prompts import Prompt, read_prompts
from inpaint.refusal import RefusedError, refuse_all
from PIL import Image
from torch import nn

from tests.single_files import make_single_file
from wrapper.lora.metadata import INPAINT_HINT

SCRIPT = Path(__file__).parents[2] / "vendor" / "train_network_inpaint.py"


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
@pytest.mark.parametrize("inpaint", [False, True], ids=["4 channels", "9 channels"])
def test_a_base_is_told_from_its_header_or_its_folder(tiny_base, tmp_path: Path, kind: str, inpaint: bool):
    folder = tiny_base(kind, inpaint)
    expected = BaseModel(kind == "sdxl", 9 if inpaint else 4)
    assert inspect(str(folder)) == expected
    single = make_single_file(folder, tmp_path / "it's a база.safetensors")
    assert inspect(str(single)) == expected
    pickled = tmp_path / "base.ckpt"
    from safetensors.torch import load_file

    torch.save({"state_dict": load_file(single)}, pickled)
    assert inspect(str(pickled)) == expected


@pytest.mark.parametrize("name", ["broken.safetensors", "broken.ckpt"])
def test_a_file_that_is_no_base_is_refused(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(RefusedError, match=name):
        inspect(str(path))


def parse_line(line: str) -> dict[str, object]:
    """As sd-scripts' own, of which the text is enough here."""
    return {"prompt": line.split(" --")[0]}


def test_a_line_may_name_what_is_repainted(tmp_path: Path):
    image, mask = tmp_path / "my photo.png", tmp_path / "my mask 🙂.png"
    image.touch()
    mask.touch()
    path = tmp_path / "prompts.txt"
    path.write_text(f"# no\n\nan ear --i {image} --m {mask} --s 4\nplain --n bad\n", encoding="utf-8")
    assert read_prompts(path, parse_line) == [
        Prompt(0, "an ear", image=str(image), mask=str(mask)),
        Prompt(1, "plain"),
    ]


def test_prompts_of_json_and_toml(tmp_path: Path):
    as_json, as_toml = tmp_path / "p.json", tmp_path / "p.toml"
    as_json.write_text(json.dumps([{"prompt": "an ear", "scale": 3, "seed": 4}]), encoding="utf-8")
    as_toml.write_text('[prompt]\nscale = 3\n[[prompt.subset]]\nprompt = "an ear"\nseed = 4\n')
    for path in (as_json, as_toml):
        assert read_prompts(path, parse_line) == [Prompt(0, "an ear", scale=3.0, seed=4)]


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "no sample prompt"), ("an ear --i a.png", "both a picture"), ("x --i a --m b", "no file a")],
)
def test_prompts_that_cannot_be_drawn(tmp_path: Path, text: str, said: str):
    path = tmp_path / "prompts.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RefusedError, match=said):
        read_prompts(path, parse_line)


def test_every_bad_pair_is_a_problem(tmp_path: Path):
    images, masks = tmp_path / "images", tmp_path / "masks"
    for folder in (images, masks):
        folder.mkdir()
    for name in ("good", "lonely", "other size", "broken"):
        Image.new("RGB", (8, 6)).save(images / f"{name}.png")
    for name, size in (("good", (8, 6)), ("other size", (6, 8)), ("extra", (8, 6))):
        Image.new("L", size).save(masks / f"{name}.jpg")
    (masks / "broken.png").write_text("no picture")
    problems: list[str] = []
    paths = [str(path) for path in sorted(images.iterdir())]
    found = pair(paths, str(masks), problems)
    assert found == {str(images / "good.png"): str(masks / "good.jpg")}
    assert len(problems) == 4
    assert f"{images / 'lonely.png'}: has no mask in {masks}" in problems
    assert f"{masks / 'other size.jpg'}: is 6x8, its picture other size.png is 8x6" in problems
    assert f"{masks / 'extra.jpg'}: belongs to no picture" in problems


def test_a_transparent_part_of_a_mask_is_black(tmp_path: Path):
    path = tmp_path / "mask.png"
    Image.fromarray(np.array([[[255, 255, 255, 255], [255, 255, 255, 0]]], np.uint8)).save(path)
    assert read_mask(str(path))[..., 0].tolist() == [[255, 0]]


def test_pictures_that_lie_on_their_side_are_found(tmp_path: Path):
    image = Image.new("RGB", (8, 6))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "side.jpg", exif=exif)
    image.save(tmp_path / "up.jpg")
    assert turned(str(path) for path in sorted(tmp_path.iterdir())) == [str(tmp_path / "side.jpg")]


def test_tensors_of_a_picture_and_its_mask():
    assert to_pixels(np.array([[[0, 255, 127]]], np.uint8)).flatten().tolist() == pytest.approx(
        [-1, 1, -0.004], abs=1e-3
    )
    mask = np.array([[0, 127, 128, 255]], np.uint8)
    assert to_hole(mask).flatten().tolist() == [0, 0, 1, 1]
    assert to_weight(mask, normalize=False).flatten().tolist() == pytest.approx(
        [0, 0.498, 0.502, 1], abs=1e-3
    )
    assert float(to_weight(mask, normalize=True).mean()) == pytest.approx(1)


def test_the_hole_shrinks_by_nearest_neighbour_and_the_weight_by_area():
    whole = torch.tensor([[1.0, 0], [0, 0]]).reshape(1, 1, 2, 2)
    assert shrink_hole(whole, (1, 1)).item() == 1
    assert shrink_weight(whole, (1, 1)).item() == 0.25


def test_rows_come_back_from_files_and_broken_files_are_encoded_anew(tmp_path: Path, capsys):
    cache = RowCache(tmp_path)
    key = row_key(image="a", bucket=[64, 64])
    assert not cache.has(key)
    cache.put(key, {"latents": torch.arange(4.0)})
    again = RowCache(tmp_path)
    assert again.has(key)
    assert again.get(key)["latents"].tolist() == [0, 1, 2, 3]
    again.path(key).write_bytes(b"cut short")
    assert not RowCache(tmp_path).has(key)
    assert "encoded anew" in capsys.readouterr().out
    assert row_key(image="b", bucket=[64, 64]) != key


def test_a_widened_unet_draws_what_it_drew():
    torch.manual_seed(0)
    sd15 = nn.Module()
    sd15.conv_in = nn.Conv2d(4, 6, 3, padding=1)
    sdxl = nn.Module()
    sdxl.input_blocks = nn.ModuleList([nn.Sequential(nn.Conv2d(4, 6, 3, padding=1))])
    for unet, get in ((sd15, lambda u: u.conv_in), (sdxl, lambda u: u.input_blocks[0])):
        seen = torch.randn(1, 9, 8, 8)
        before = get(unet)(seen[:, :4])
        widen(unet)
        assert torch.allclose(get(unet)(seen), before, atol=1e-6)


def dataset(*sizes: tuple[int, int]) -> SimpleNamespace:
    infos = {str(n): SimpleNamespace(bucket_reso=size, num_repeats=2) for n, size in enumerate(sizes)}
    return SimpleNamespace(image_data=infos)


def test_metadata_says_inpainting_and_keeps_the_users_own_words():
    assert HINT == INPAINT_HINT
    args = SimpleNamespace(no_metadata=False)
    make = with_inpainting(lambda *_: {"modelspec.tags": "ears"}, lambda: {"ss_masked_loss": "True"})
    assert make(None, args) == {
        "modelspec.tags": "ears",
        "modelspec.usage_hint": HINT,
        "ss_masked_loss": "True",
    }
    args.no_metadata = True
    assert "ss_masked_loss" not in make(None, args)
    assert buckets([dataset((64, 64), (64, 128)), dataset((64, 64))]) == {
        "0": {"resolution": [64, 64], "count": 4},
        "1": {"resolution": [64, 128], "count": 2},
    }


class Trainer:
    """As sd-scripts' trainers are called."""

    def train(self, args): ...
    def assert_extra_args(self, args, group): ...
    def load_target_model(self, args, dtype, accelerator): ...
    def call_unet(
        self, args, accelerator, unet, noisy_latents, timesteps, text_conds, batch, weight_dtype, **more
    ): ...
    def sample_images(
        self, accelerator, args, epoch, global_step, device, vae, tokenizers, text_encoder, unet
    ): ...


def sd_scripts_modules() -> list[ModuleType]:
    found = []
    for name, attributes in NAMES.items():
        module = ModuleType(name)
        for attribute in attributes:
            setattr(module, attribute, None)
        found.append(module)
    return found


def unet_module() -> ModuleType:
    module = ModuleType("library.original_unet")
    module.IN_CHANNELS = 4
    return module


def test_known_hooks_are_accepted():
    check_hooks(Trainer, sd_scripts_modules(), unet_module(), "here")


def test_what_a_version_does_otherwise_is_named_in_one_sentence():
    class Newer(Trainer):
        def call_unet(self, args, unet, batch): ...

    with pytest.raises(RefusedError, match="call_unet takes self, args, unet, batch"):
        check_hooks(Newer, sd_scripts_modules(), unet_module(), "here")
    modules = sd_scripts_modules()
    del modules[0].BucketManager
    with pytest.raises(
        RefusedError, match=r"here: this version .* library.train_util.BucketManager is missing"
    ):
        check_hooks(Trainer, modules, ModuleType("library.original_unet"), "here")


def test_long_lists_are_cut():
    with pytest.raises(RefusedError, match="and 12 more"):
        refuse_all([str(number) for number in range(20)])
    refuse_all([])


def test_a_folder_without_sd_scripts_is_named(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--sd_scripts", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path}: is no checkout of sd-scripts")
