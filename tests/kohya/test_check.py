"""The check: one broken file a case, and the sentence that names it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from tests.kohya.projects import make_base, make_image, make_mask, make_project
from wrapper.kohya.check import check
from wrapper.kohya.render import render_stage, write


class Files:
    """Both rendered files of a stage, to be broken."""

    def __init__(self, root: Path, stage: str) -> None:
        project = make_project(root)
        make_base(root / "xl base", 4, "StableDiffusionXLPipeline")
        rendered = render_stage(project, stage)
        self.train, self.dataset = write(rendered, project.paths)
        self.script, self.root = rendered.script, root
        self.photos = root / "dataset" / stage / "train/front/2_myface person"
        self.masks = root / "dataset" / stage / "masks/front/2_myface person"

    def change(self, old: str, new: str, path: Path | None = None) -> None:
        path = path or self.train
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def check(self, engine: str = "embedded", models: bool = True):
        return check(self.train, self.dataset, self.script, engine, models=models)

    def errors(self, engine: str = "embedded", models: bool = True) -> list[str]:
        return [str(problem) for problem in self.check(engine, models).errors]


@pytest.fixture
def a(tmp_path):
    return Files(tmp_path / "проект 'a' 🙂", "stage_a")


@pytest.fixture
def b(tmp_path):
    files = Files(tmp_path / "проект 'b' 🙂", "stage_b")
    (files.root / "loras").mkdir()
    return files


@pytest.mark.parametrize("engine", ["embedded", "sd-scripts"])
def test_what_is_rendered_is_right_for_both_engines(a, b, engine):
    report = a.check(engine)
    assert (report.errors, report.warnings) == ([], [])
    assert (report.steps.uses, report.steps.reg_uses, report.steps.steps) == (8, 8, 6)
    assert b.errors(engine, models=False) == []


TRAIN_CASES = {
    "unknown key": (
        'optimizer_type = "AdamW"',
        'learnig_rate = 1\noptimizer_type = "AdamW"',
        ":13 [optimizer_arguments]: 'learnig_rate' is not an option of train_network.py. "
        "Did you mean 'learning_rate'?",
    ),
    "wrong type": ("network_dim = 2", 'network_dim = "2"', "'network_dim' must be a whole number, not '2'."),
    "wrong choice": (
        'mixed_precision = "no"',
        'mixed_precision = "fp61"',
        "'mixed_precision' must be one of",
    ),
    "text for a flag": (
        "cache_latents = true",
        'cache_latents = "false"',
        "'cache_latents' must be true or false",
    ),
    "out of range": ("max_train_steps = 6", "max_train_steps = 0", "'max_train_steps' must be 1 or more"),
    "other file": (
        "network_dim = 2",
        "network_dim = 2\nnum_repeats = 2",
        "'num_repeats' belongs in the dataset file",
    ),
    "set twice": (
        "[loss_arguments]",
        "[loss_arguments]\nnetwork_dim = 4",
        "'network_dim' is set twice, first at stage_a_train.toml:9 [network_arguments].",
    ),
    "too deep": (
        "network_dim = 2",
        "network_dim = 2\nmore = { a = 1 }",
        "[network_arguments.more] is too deep",
    ),
    "missing": ('network_module = "networks.lora"', "", "'network_module' is missing."),
    "warm-up": (
        'lr_scheduler = "cosine"',
        'lr_scheduler = "constant"\nmax_train_epochs = 100',
        "'lr_warmup_steps' fails with lr_scheduler 'constant'",
    ),
    "both only": (
        "network_dim = 2",
        "network_dim = 2\nnetwork_train_unet_only = true\nnetwork_train_text_encoder_only = true",
        "'network_train_unet_only' and 'network_train_text_encoder_only' exclude each other.",
    ),
    "no prompts": ("save_state = true", "sample_every_n_epochs = 1", "needs 'sample_prompts'."),
    "no base": ("a base", "no base", "there is no base model"),
    "other base": ("a base", "xl base", "is an SDXL base, which train_network.py does not train."),
    "inpaint base": ("a base", "an inpaint base", "is an inpainting base."),
    "overridden": (
        "network_dim = 2",
        'network_dim = 2\ncaption_extension = ".cap"',
        "'caption_extension' is never used: the dataset file sets 'caption_extension' = '.txt'.",
    ),
}


@pytest.mark.parametrize(("old", "new", "sentence"), TRAIN_CASES.values(), ids=TRAIN_CASES)
@pytest.mark.parametrize("engine", ["embedded", "sd-scripts"])
def test_a_fault_in_the_training_file_is_named(a, old, new, sentence, engine):
    a.change(old, new)
    found = a.errors(engine)
    assert len(found) == 1
    assert sentence in found[0]
    assert "stage_a_train.toml" in found[0]


DATASET_CASES = {
    "unknown key": (
        "num_repeats = 2",
        "num_repeat = 2",
        "'num_repeat' is not an option of a dataset file. Did you mean 'num_repeats'?",
    ),
    "negative repeats": ("num_repeats = 2", "num_repeats = -3", "'num_repeats'"),
    "true is no number": ("num_repeats = 2", "num_repeats = true", "'num_repeats' must be a whole number"),
    "other file": (
        "resolution = 64",
        "resolution = 64\nprior_loss_weight = 1.0",
        "belongs in the training file",
    ),
    "wrong table": ("[general]", "[general]\nis_reg = true", "'is_reg' does not stand in [general]"),
    "unknown table": ("[general]", "[generally]\n[general]", "[generally] is no table of a dataset file."),
    "no resolution": ("resolution = 64", "", "'resolution' is missing."),
    "no folder": ("2_myface person", "3_myface person", "there is no folder"),
    "captions not read": (
        'caption_extension = ".txt"',
        "",
        "Their .txt files are not read. Set caption_extension = '.txt'.",
    ),
    "bucket too small": (
        "resolution = 64",
        "resolution = 64\nenable_bucket = true",
        "is below min_bucket_reso 256.",
    ),
    "bucket steps": (
        "resolution = 64",
        "resolution = 64\nenable_bucket = true\nmin_bucket_reso = 64\nbucket_reso_steps = 10",
        "'bucket_reso_steps' must be a multiple of 64, not 10.",
    ),
    "too large for the images": ("resolution = 64", "resolution = 128", ""),
}


@pytest.mark.parametrize(("old", "new", "sentence"), DATASET_CASES.values(), ids=DATASET_CASES)
def test_a_fault_in_the_dataset_file_is_named(a, old, new, sentence):
    a.change(old, new, a.dataset)
    found = a.errors()
    if not sentence:
        assert found == []
        assert "smaller than the resolution 128x128" in str(a.check().warnings[0])
        return
    assert any(sentence in error and "stage_a_dataset.toml" in error for error in found), found


def test_images_smaller_than_the_resolution_are_an_error_without_cached_latents(a):
    a.change("resolution = 64", "resolution = 128", a.dataset)
    a.change("cache_latents = true", "cache_latents = false")
    assert any("smaller than the resolution" in error for error in a.errors())


def test_every_fault_is_found_in_one_go(a):
    a.change("network_dim = 2", "netwrok_dim = 2")
    a.change("num_repeats = 2", "num_repeat = 2", a.dataset)
    (a.photos / "ухо 1.txt").write_text("", encoding="utf-8")
    (a.photos / "ухо 2.png").write_bytes(b"")
    assert len(a.errors()) == 4


CAPTIONS = {
    "empty": (b"", "the caption is empty."),
    "blank first line": (b"\nmyface person", "the caption is empty."),
    "not UTF-8": ("ухо".encode("cp1251"), "not UTF-8 (byte 0)."),
    "two lines": (b"myface\nperson", "only the first line of a caption is read."),
}


@pytest.mark.parametrize(("content", "sentence"), CAPTIONS.values(), ids=CAPTIONS)
def test_a_caption_that_is_not_read_whole_is_an_error(a, content, sentence):
    (a.photos / "ухо 0.txt").write_bytes(content)
    (error,) = a.errors()
    assert sentence in error
    assert "ухо 0.txt" in error


def test_a_trailing_newline_is_no_second_line(a):
    (a.photos / "ухо 0.txt").write_text("myface person\n\n", encoding="utf-8")
    assert a.errors() == []


def test_a_missing_caption_is_a_warning_only_where_class_tokens_stand_in(a):
    (a.photos / "ухо 0.txt").unlink()
    assert "They are trained as 'myface person'." in str(a.check().warnings[0])
    a.change('  class_tokens = "myface person"\n', "", a.dataset)
    assert any("have no .txt caption: ухо 0.png." in error for error in a.errors())


def test_flips_with_sides_in_the_captions_are_warned_of(a):
    a.change("[general]", "[general]\nflip_aug = true", a.dataset)
    (a.photos / "ухо 0.txt").write_text("a left ear", encoding="utf-8")
    assert any("left or right" in str(warning) for warning in a.check().warnings)


def test_broken_and_turned_images_are_named(a):
    whole = (a.photos / "ухо 0.png").read_bytes()
    (a.photos / "ухо 0.png").write_bytes(whole[:20])
    (a.photos / "ухо 1.png").write_bytes(b"")
    found = a.errors()
    assert any("ухо 0.png: not an image: it is broken" in error for error in found)
    assert any("ухо 1.png: not an image: it is empty" in error for error in found)


def test_two_subsets_with_one_folder_are_an_error(a):
    a.change("1_person", "../train/front/2_myface person", a.dataset)
    a.change("/reg/../train/", "/train/", a.dataset)
    assert any("the same folder as at stage_a_dataset.toml:" in error for error in a.errors())


def test_regularisation_images_alone_are_an_error(a):
    a.change("  num_repeats = 2\n", "  num_repeats = 2\n  is_reg = true\n", a.dataset)
    assert any("regularisation images only" in error for error in a.errors())


def test_a_nested_folder_is_pointed_at(a):
    a.change("/2_myface person", "", a.dataset)
    assert any("has no images" in error and "2_myface person" in error for error in a.errors())


MASKS = {
    "missing": (lambda folder: (folder / "ухо 0.png").unlink(), "1 images have no mask in"),
    "extra": (lambda folder: make_mask(folder / "more.png"), "1 masks in"),
    "other size": (
        lambda folder: make_mask(folder / "ухо 0.png", (32, 64)),
        "the mask is 32x64, its image 64x64.",
    ),
    "black": (lambda folder: make_image(folder / "ухо 0.png").write_bytes(black()), "the mask is all black"),
    "no folder": (shutil.rmtree, "there is no folder"),
    "broken": (
        lambda folder: (folder / "ухо 0.png").write_bytes((folder / "ухо 0.png").read_bytes()[:60]),
        "ухо 0.png",
    ),
}


def black() -> bytes:
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (64, 64), 0).save(stream, "png")
    return stream.getvalue()


@pytest.mark.parametrize(("spoil", "sentence"), MASKS.values(), ids=MASKS)
def test_a_mask_that_does_not_fit_is_an_error(b, spoil, sentence):
    spoil(b.masks)
    found = b.errors(models=False)
    assert any(sentence in error for error in found), found


def test_masks_need_masked_loss_outside_the_inpaint_script(b):
    b.script = "train_network"
    b.change("masked_loss = true", "masked_loss = false")
    b.change("masked_loss_normalize = true  # preset cpu\n", "")
    (error,) = b.errors(models=False)
    assert "'conditioning_data_dir' needs masked_loss = true" in error


def test_a_subset_without_masks_is_an_error_for_the_inpaint_script(b):
    line = next(line for line in b.dataset.read_text().splitlines() if "conditioning_data_dir" in line)
    b.change(line, '  class_tokens = "myface"', b.dataset)
    assert any("conditioning_data_dir is missing" in error for error in b.errors(models=False))


def test_the_inpaint_script_takes_sdxl_options_only_with_an_sdxl_base(b):
    b.change(
        "network_train_unet_only = true", "network_train_unet_only = true\ncache_text_encoder_outputs = true"
    )
    assert any("is an option for SDXL, and the base is none." in text for text in b.errors("sd-scripts"))
    b.change("cache_text_encoder_outputs", "sdxl = true\ncache_text_encoder_outputs")
    assert not any("is an option for SDXL" in text for text in b.errors("sd-scripts"))


def test_stage_b_waits_for_the_weights_of_stage_a(b):
    (error,) = b.errors()
    assert "'network_weights': there is no" in error


def test_starting_weights_of_another_rank_are_an_error(b):
    from tests.launch.fake_trainer.lora_bytes import lora_bytes

    (b.root / "loras" / "моё 'лицо' 🙂_stage_a.safetensors").write_bytes(lora_bytes(6, rank=4))
    assert any("has rank 4, but network_dim is 2" in error for error in b.errors())


def test_options_that_only_sd_scripts_has_are_refused_by_name_for_the_embedded_trainer(a):
    a.change("network_dim = 2", "network_dim = 2\nhuber_c = 0.2")
    assert a.errors("sd-scripts") == []
    (error,) = a.errors("embedded")
    assert "'huber_c' is an option of sd-scripts that the embedded trainer does not honour." in error


def test_options_of_the_inpaint_script_are_refused_for_the_others(a):
    a.change("network_dim = 2", "network_dim = 2\nmetadata_tag_frequency = true")
    assert a.errors("embedded") == []
    said = "is an option of train_network_inpaint.py: train_network.py ignores it"
    assert said in a.errors("sd-scripts")[0]


def test_files_that_cannot_be_read_are_refused(a):
    with pytest.raises(UserError, match="there is no such file"):
        check(a.root / "none.toml", a.dataset, "train_network")
    a.train.write_text("[broken", encoding="utf-8")
    with pytest.raises(UserError, match="not valid TOML"):
        a.check()


def test_without_a_dataset_file_there_is_nothing_to_check(a):
    report = check(a.train, None, "train_network")
    assert "no dataset file is given." in str(report.errors[0])
