"""Mirrored and re-lit copies: how many, of what, and never of what is held out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataset_tools.building.copies import MIRRORED, ORIGINAL, copies
from dataset_tools.pictures.images import read_mask, read_rgb
from dataset_tools.pictures.relight import Light, light_for, relit
from tests.dataset_tools.test_build import SETTINGS, Photos, built, files

SEVEN = [f"{number}.jpg" for number in range(7)]


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    made = Photos(tmp_path / "снимки 'é' 🙂")
    for name in ("a", "b", "c"):
        made.add(name)
    made.add("side", view="profile_left")
    made.add("held", split="holdout")
    return made


@pytest.mark.parametrize(
    ("relight", "most", "fewest"), [(0, 0, 0), (3, 1, 0), (7, 1, 1), (9, 2, 1), (21, 3, 3)]
)
def test_as_many_as_asked_for_evenly_shared(relight: int, most: int, fewest: int):
    made = copies(SEVEN, replace(SETTINGS, relight=relight))
    numbers = [sum(copy.light is not None for copy in made[image]) for image in SEVEN]
    assert (sum(numbers), max(numbers), min(numbers)) == (relight, most, fewest)
    assert all(made[image][0] == ORIGINAL for image in SEVEN)


def test_the_same_seed_makes_the_same_copies_in_any_order():
    settings = replace(SETTINGS, relight=3, mirror=True)
    made = copies(SEVEN, settings)
    assert copies(reversed(SEVEN), settings) == made
    assert copies(SEVEN, replace(settings, seed=8)) != made
    assert all(found[1] == MIRRORED for found in made.values())
    lights = [copy.light for found in made.values() for copy in found if copy.light]
    assert len(set(lights)) == 3


def test_no_image_no_copy():
    assert copies([], replace(SETTINGS, relight=3)) == {}


def test_relit_copies_lie_beside_their_originals(photos: Photos, tmp_path: Path):
    folder = tmp_path / "dataset"
    record = built(photos, folder, relight=4)
    relit_files = [name for name in files(folder) if "+relit" in name]
    assert len(relit_files) == 4 * 2 + 4 * 3
    for name in relit_files:
        path, original = folder / name, folder / name.replace("+relit1", "")
        if path.suffix == ".txt":
            assert path.read_bytes() == original.read_bytes()
        elif "masks" in name:
            assert np.array_equal(read_mask(path), read_mask(original))
        else:
            difference = np.abs(read_rgb(path).astype(int) - read_rgb(original))
            assert 2 < difference.mean() < 60
    assert record.balance["stage_a"]["counts"] == {"front": 6, "profile_left": 2}


def test_a_mirrored_copy_is_told_and_put_the_other_way_round(photos: Photos, tmp_path: Path):
    folder = tmp_path / "dataset"
    built(photos, folder, mirror=True, relight=1, template="{{ view }} {{ ear_side }}")
    sides = {path.stem: path.read_text(encoding="utf-8") for path in folder.rglob("stage_a/**/side*.txt")}
    assert sides["side"] == "myface woman, profile_left left\n"
    assert sides["side+mirrored"] == "myface woman, profile_right right\n"
    assert [path.parent.parent.name for path in folder.rglob("stage_a/**/side+mirrored.png")] == [
        "profile_right"
    ]


def test_no_copy_crosses_the_held_out_split(photos: Photos, tmp_path: Path):
    for holdout in ("manifest", "image"):
        folder = tmp_path / holdout
        record = built(photos, folder, mirror=True, relight=9, holdout=holdout)
        held = {one.name for one in record.holdout}
        trained = {Path(name).stem.split("+")[0] for name in files(folder) if name.startswith("stage_")}
        assert held
        assert held.isdisjoint(trained)
        assert not [name for name in files(folder) if name.startswith("holdout") and "+" in name]


def test_nothing_is_clipped_and_black_stays_black():
    ramp = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    for seed in range(200):
        changed = relit(ramp, light_for(seed)).astype(int)
        assert (np.diff(changed[0], axis=0) >= 0).all()
        assert changed[0, 0].tolist() == [0, 0, 0]
        assert (changed[0, -2:] < 255).all()
        assert 2 < np.abs(changed - ramp).mean() < 60


def test_light_has_the_effect_that_it_names():
    grey = np.full((2, 2, 3), 188, np.uint8)
    assert relit(grey, Light(0.0, 1.0, 0.0)).tolist() == grey.tolist()
    assert relit(grey, Light(1.0, 1.0, 0.0))[0, 0].tolist() == [137, 137, 137]
    warm = relit(grey, Light(0.0, 1.0, 0.06))[0, 0].astype(int)
    assert warm[0] > warm[1] > warm[2]
    assert relit(grey, Light(0.0, 0.8, 0.0)).mean() > 188 > relit(grey, Light(0.0, 1.25, 0.0)).mean()
