"""Caches beside the images, which sd-scripts v0.10.1 believes by their names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from tests.kohya.picture_case import NAMES, Case, make_case, noise

DISK = {"cache_latents_to_disk": True}
OWN = f"{NAMES[0]}_0064x0064_sd.npz"


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return make_case(tmp_path)


def latents(name: str = OWN, shape: tuple[int, ...] = (4, 8, 8), age_s: int = -60) -> object:
    def make(case: Case) -> None:
        np.savez(case.images / name, latents=np.zeros(shape, np.float32))
        time = case.first.stat().st_mtime - age_s
        os.utime(case.images / name, (time, time))

    return make


def junk(name: str = OWN) -> object:
    return lambda case: (case.images / name).write_bytes(b"junk")


CASES = {
    "of the image": (latents(), DISK, {}, ""),
    "older than the image": (latents(age_s=60), DISK, {}, "it was changed after its latents were cached"),
    "of another resolution": (latents(shape=(4, 16, 16)), DISK, {}, "are of another resolution"),
    "of an old version": (latents("ухо 0.npz", (4, 16, 16)), DISK, {}, "are of another resolution"),
    "without a mirror image": (latents(age_s=60), DISK, {"flip_aug": True}, ""),
    "broken": (junk(), DISK, {}, "these cached latents are broken"),
    "broken and not used": (junk(), {"cache_latents": True}, {}, ""),
    "older and not used": (latents(age_s=60), {"cache_latents": True}, {}, ""),
    "of another size": (latents("ухо 0_0128x0064_sd.npz"), {}, {}, "it may be taken for 128x64"),
    "of another image": (latents("ухо 01_0128x0064_sd.npz"), {}, {}, "because of ухо 01_0128x0064_sd.npz"),
    "of SDXL": (latents("ухо 0_0128x0064_sdxl.npz"), {}, {}, ""),
    "with a name that fails": (junk("ухо 0_sd.npz"), {}, {}, "looks for an image size in its name"),
    "with a name of no image": (junk("z_sd.npz"), {}, {}, ""),
}


@pytest.mark.parametrize(("make", "train", "subset", "sentence"), CASES.values(), ids=CASES)
def test_cached_latents(case, make, train, subset, sentence):
    make(case)
    case.train |= train
    case.subset |= subset
    errors = case.errors
    assert bool(errors) == bool(sentence), errors
    assert sentence in "".join(errors)


def test_every_image_takes_its_own_cache(case):
    case.add("ухо.png", (128, 64))
    latents("ухо_0128x0064_sd.npz")(case)
    latents()(case)
    case.dataset["enable_bucket"] = True
    assert case.errors == []


def test_two_images_with_one_stem_share_their_latents(case):
    noise((64, 64)).save(case.images / "ухо 0.jpg")
    assert case.errors == []
    case.train |= DISK
    assert "it shares its cached latents with ухо 0.jpg" in case.errors[0]


def test_cached_captions_older_than_the_caption(case):
    case.script = "sdxl_train_network"
    case.train |= {"cache_text_encoder_outputs": True, "network_train_unet_only": True}
    cache = case.images / "ухо 0_te_outputs.npz"
    cache.write_bytes(b"")
    os.utime(cache, (1, 1))
    assert case.errors == []
    case.train["cache_text_encoder_outputs_to_disk"] = True
    assert "changed after its text encoder outputs were cached" in case.errors[0]


def listed(case: Case, names: tuple[str, ...], caption: str = "a person") -> None:
    entries = {str(case.picture(name)): {"caption": caption, "resolution": [64, 64]} for name in names}
    (case.images / "metadata_cache.json").write_text(json.dumps(entries))


def test_cached_information_is_not_looked_at_again(case):
    listed(case, NAMES, "an old caption")
    assert case.errors == []
    case.subset["cache_info"] = True
    assert "has other captions for 2 images" in case.errors[0]
    listed(case, NAMES)
    assert case.errors == []
    listed(case, NAMES[:1])
    assert "1 images are not in" in case.errors[0]
    listed(case, (*NAMES, "gone"))
    assert "lists 1 images that are not there: gone.png." in case.errors[0]
    (case.images / "metadata_cache.json").write_text("junk")
    assert "cannot be read" in case.errors[0]
