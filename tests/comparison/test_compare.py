"""A comparison acted out: what is drawn, what is kept, what fails."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.errors import UserError
from dataset_tools.pictures.images import read_rgb
from tests.comparison.small import QUICK, small_comparison, two_loras
from wrapper.comparison import compare as compare_module
from wrapper.comparison.compare import draw_missing, forecast
from wrapper.comparison.page import render
from wrapper.comparison.sheets import save_sheets
from wrapper.diffusion.pictures.picture import read_digital_source, read_parameters
from wrapper.diffusion.pipelines import sampling as sampling_module
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.diffusion.txt2img.generate import generate
from wrapper.lora.apply import LoraUse

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def lora(tmp_path):
    return two_loras(tmp_path)[0]


@pytest.fixture
def make(tiny_base, tmp_path, lora):
    def made(*axes, **shown):
        return small_comparison(tiny_base(), tmp_path / "сравнение 'a' 🙂", lora, *axes, **shown)

    return made


@pytest.fixture
def no_loading(monkeypatch):
    monkeypatch.setattr(compare_module, "open_pipeline", lambda *_: pytest.fail("the model was loaded"))


def test_cells_are_the_pictures_that_generate_draws(make, lora):
    comparison = make("weight=0.7,1", "seed=1,2")
    assert draw_missing(comparison).drawn == 4
    for name, look in comparison.plan.cells.items():
        uses = [LoraUse(lora, look.loras[0].weight)]
        (drawn,) = generate(comparison.subject.means.info, [look.prompt], QUICK, loras=uses)
        path = comparison.album.picture(name)
        assert np.array_equal(read_rgb(path), drawn.pixels), name
        assert read_parameters(path) == drawn.info
        assert read_digital_source(path) == "trainedAlgorithmicMedia"


def test_the_model_is_loaded_once_and_texts_are_encoded_once(make, monkeypatch):
    loaded, encoded = [], []

    def opened(*args):
        loaded.append(args)
        pipeline = open_pipeline(*args)
        pipeline.text_encoder.register_forward_hook(lambda *_: encoded.append(1))
        return pipeline

    monkeypatch.setattr(compare_module, "open_pipeline", opened)
    draw_missing(make("seed=1-3", "steps=2,3"))
    assert (len(loaded), len(encoded)) == (1, 2)  # the prompt, and the empty negative one


def test_what_is_there_is_kept_and_nothing_is_loaded_for_it(make, request):
    first = make("weight=0.7,1")
    draw_missing(first)
    times = {name: first.album.picture(name).stat().st_mtime_ns for name in first.plan.cells}
    request.getfixturevalue("no_loading")
    again = make("weight=0.7,1")
    assert forecast(again).pictures == 0
    assert (draw_missing(again).drawn, forecast(again).there) == (0, 2)
    assert times == {name: first.album.picture(name).stat().st_mtime_ns for name in first.plan.cells}


def test_more_values_draw_only_the_new_ones(make):
    draw_missing(make("weight=0.7,1"))
    wider = make("weight=0.7,0.8,1")
    assert wider.missing == ["weight-0.8"]
    assert forecast(wider).line() == "1 picture to draw, 2 there already, 1 LoRA swap, 2 steps"


def test_another_lora_under_the_same_name_is_drawn_anew(make, lora, tmp_path):
    draw_missing(make("weight=0.7,1"))
    lora.write_bytes(two_loras(tmp_path / "new")[1].read_bytes())
    assert len(make("weight=0.7,1").missing) == 2


def test_an_interrupted_comparison_goes_on_and_ends_as_an_undisturbed_one(make, monkeypatch, tmp_path):
    whole = make("weight=0.7,1", "seed=1,2")
    draw_missing(whole)
    pixels = {name: read_rgb(whole.album.picture(name)) for name in whole.plan.cells}
    for path in list((whole.album.folder / "pictures").iterdir()):
        path.unlink()
    calls = []

    def stopped(*args, **inputs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return sampling_module.run_batch(*args, **inputs)

    with monkeypatch.context() as patched:
        patched.setattr("wrapper.diffusion.txt2img.shot.run_batch", stopped)
        with pytest.raises(KeyboardInterrupt):
            draw_missing(make("weight=0.7,1", "seed=1,2"))
    rest = make("weight=0.7,1", "seed=1,2")
    assert len(rest.missing) == 2
    draw_missing(rest)
    assert all(np.array_equal(read_rgb(rest.album.picture(name)), pixels[name]) for name in pixels)


def test_a_picture_that_overflows_does_not_stop_the_others(make, lora):
    comparison = make(f"lora={lora}:1e38,{lora}:0.5,none")
    outcome = draw_missing(comparison)
    assert outcome.drawn == 2
    assert [message for message in outcome.failed.values() if "not made of numbers" in message]
    assert save_sheets(comparison)[0].is_file()
    assert "not made of numbers" in render(comparison, outcome.failed)


def test_foreign_pictures_are_not_replaced(make):
    comparison = make("weight=0.7,1")
    mine = comparison.album.picture("weight-1")
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"my own file")
    with pytest.raises(UserError, match=r"weight-1\.png: is there already and was not made by lorawrap"):
        comparison.check()
    assert mine.read_bytes() == b"my own file"


def test_faults_of_all_looks_are_told_before_anything_is_loaded(make, no_loading):
    with pytest.raises(UserError, match="under 18"):
        make("prompt-sr=woman,14 year old girl").check()
    with pytest.raises(UserError, match=r"2 steps at strength 0\.1"):
        make("strength=0.1,1").check()


def test_the_sheet_tells_its_axes_as_a1111_does(make):
    comparison = make("weight=0.7,1", "seed=1,2,3")
    draw_missing(comparison)
    (sheet,) = save_sheets(comparison)
    told = read_parameters(sheet)
    assert {key: told.fields[key] for key in ("Script", "X Type", "X Values", "Y Type", "Y Values")} == {
        "Script": "X/Y/Z plot",
        "X Type": "LoRA weight",
        "X Values": "weight 0.7, weight 1",
        "Y Type": "Seed",
        "Y Values": "seed 1, seed 2, seed 3",
    }
    assert told.prompt == "a woman <lora:ухо 1:0.7>"
    assert read_digital_source(sheet) == "trainedAlgorithmicMedia"
    height, width = read_rgb(sheet).shape[:2]
    assert (width, height) == (8 + 2 * 200, 8 + 26 + 3 * (26 + 200))
