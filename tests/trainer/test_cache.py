"""Cache keys are made of contents: an edited image is never trained from a stale cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from wrapper.lora.file import read_lora
from wrapper.trainer.data.batches import first_sights
from wrapper.trainer.data.cache import TensorCache
from wrapper.trainer.latents import Encoder
from wrapper.trainer.model import load_model
from wrapper.trainer.prepare import prepare
from wrapper.trainer.run import run


@pytest.fixture
def encoding(make_settings):
    """(a job, its model) of an inpainting run."""
    job = prepare(make_settings("train_network_inpaint"))
    return job, load_model(job.info, job.settings, torch.device("cpu"))


def key(encoding, **changes) -> str:
    """The first picture's key, after changes to its sight or to its placement."""
    job, model = encoding
    sight = first_sights(job.sets)[0]
    placement = replace(sight.picture.placement, **changes.pop("placement", {}))
    sight = replace(sight, picture=replace(sight.picture, placement=placement), **changes)
    return Encoder(model, TensorCache(None), need_mask=True).key(sight)


def test_key_changes_with_size_crop_and_flip(encoding):
    keys = {
        key(encoding),
        key(encoding, flipped=True),
        key(encoding, placement={"bucket": (32, 64)}),
        key(encoding, placement={"resized": (80, 64)}),
    }
    assert len(keys) == 4
    assert key(encoding) == key(encoding)


def test_key_changes_with_the_contents_of_image_and_mask(encoding):
    before = key(encoding)
    picture = first_sights(encoding[0].sets)[0].picture
    for path in (picture.image, picture.mask):
        changed = np.asarray(Image.open(path)).copy()
        changed[0, 0] ^= 255
        Image.fromarray(changed).save(path)
        assert key(encoding) != before
        before = key(encoding)


def test_key_changes_with_the_vae_and_its_precision(encoding):
    before = key(encoding)
    _, model = encoding
    weight = next(model.vae.parameters())
    weight.data[0] += 1e-3
    other = key(encoding)
    model.vae.to(torch.bfloat16)
    assert len({before, other, key(encoding)}) == 3


def test_key_does_not_hang_on_names_and_folders(encoding):
    before = key(encoding)
    picture = first_sights(encoding[0].sets)[0].picture
    moved = replace(picture, image=picture.image.rename(picture.image.with_name("other.png")))
    sight = replace(first_sights(encoding[0].sets)[0], picture=moved)
    assert Encoder(encoding[1], TensorCache(None), need_mask=True).key(sight) == before


def test_an_edited_image_is_encoded_again_and_changes_the_result(make_settings, tmp_path: Path, capsys):
    def train(name: str) -> torch.Tensor:
        run(make_settings(cache_latents_to_disk=True, output_name=name, max_train_steps=3))
        tensors = read_lora(tmp_path / "out put" / f"{name}.safetensors").tensors
        return torch.cat([tensor.flatten() for tensor in tensors.values()])

    first, again = train("first"), train("again")
    said = capsys.readouterr().out
    assert "latents: 3 encoded, 0 found" in said
    assert "latents: 0 encoded, 3 found" in said
    assert torch.equal(first, again)
    picture = sorted((tmp_path / "it's a folder" / "2_zorn person").glob("*.png"))[0]
    Image.effect_noise((64, 64), 90).convert("RGB").save(picture)
    assert not torch.equal(first, train("edited"))
    assert "latents: 1 encoded, 2 found" in capsys.readouterr().out


def test_a_pictures_latents_do_not_hang_on_its_batch(encoding):
    job, model = encoding
    sights = first_sights(job.sets)
    alone, together = (Encoder(model, TensorCache(None), need_mask=True) for _ in range(2))
    for sight in sights:
        alone.prepare([sight], 1)
    together.prepare(sights, 3)
    for sight in sights:
        rows = [encoder.cache.memory[encoder.key(sight)] for encoder in (alone, together)]
        assert rows[0]["masked"].shape == (5, 8, 8)
        for name in rows[0]:
            torch.testing.assert_close(rows[0][name], rows[1][name], rtol=1e-4, atol=1e-5)
