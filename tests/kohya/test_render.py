"""Rendering: every key in its file and section, every value with its origin."""

from __future__ import annotations

import pytest
import toml
import tomllib

from dataset_tools.building.dataset import read_dataset
from dataset_tools.errors import UserError
from tests.kohya.projects import NAME, SIDE, make_base, make_project
from wrapper.base_model.detect import detect
from wrapper.kohya.render import render, render_stage, write
from wrapper.project.load import load_project


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path / 'it\'s "a" проект 🙂')


def both(rendered):
    return tomllib.loads(rendered.train_toml), tomllib.loads(rendered.dataset_toml)


def test_stage_a_is_dreambooth_with_prior_preservation(project):
    rendered = render_stage(project, "stage_a")
    train, dataset = both(rendered)
    assert rendered.script == "train_network"
    assert list(train) == [
        "model_arguments",
        "network_arguments",
        "optimizer_arguments",
        "loss_arguments",
        "saving_arguments",
        "logging_arguments",
        "training_arguments",
    ]
    assert train["model_arguments"]["pretrained_model_name_or_path"] == str(project.path("a base"))
    assert train["loss_arguments"]["prior_loss_weight"] == 1.0
    assert train["saving_arguments"]["output_dir"] == str(project.paths.run("stage_a").output)
    assert train["saving_arguments"]["output_name"] == f"{NAME}_stage_a"
    assert dataset["general"] == {"caption_extension": ".txt"}
    assert dataset["datasets"][0]["resolution"] == SIDE
    photos, class_images = dataset["datasets"][0]["subsets"]
    assert photos["image_dir"] == str(project.paths.dataset / "stage_a/train/front/2_myface person")
    assert (photos["num_repeats"], photos["class_tokens"]) == (2, "myface person")
    assert class_images["is_reg"] is True


def test_stage_b_starts_from_stage_a_and_has_a_mask_folder_in_every_subset(project):
    rendered = render_stage(project, "stage_b")
    train, dataset = both(rendered)
    network = train["network_arguments"]
    assert rendered.script == "train_network_inpaint"
    assert network["network_weights"] == str(project.paths.lora("stage_a", NAME))
    assert network["network_train_unet_only"] is True
    assert network["network_dropout"] == 0.05
    assert train["loss_arguments"]["masked_loss"] is True
    (subset,) = dataset["datasets"][0]["subsets"]
    assert subset["conditioning_data_dir"].endswith("stage_b/masks/front/2_myface person")
    assert "class_tokens" not in subset


def test_pictures_that_were_cut_to_buckets_are_trained_in_these_buckets(project):
    record = project.paths.dataset / "dataset.json"
    bucketed = read_dataset(project.paths.dataset).model_copy(update={"shape": "bucket", "size": 512})
    record.write_text(bucketed.model_dump_json(), encoding="utf-8")
    _, dataset = both(render_stage(project, "stage_b"))
    known = {**dataset["general"], **dataset["datasets"][0]}
    assert known["enable_bucket"] is True
    assert (known["min_bucket_reso"], known["max_bucket_reso"], known["bucket_reso_steps"]) == (256, 1024, 64)


def test_stage_b_without_stage_a_starts_from_nothing(tmp_path):
    project = make_project(tmp_path / "p", "[balance]\n")
    alone = load_project(project.paths.root, ["stage_a.enabled=false"])
    assert "network_weights" not in both(render_stage(alone, "stage_b"))[0]["network_arguments"]


def test_sd_scripts_reader_reads_the_same(project):
    for stage in ("stage_a", "stage_b"):
        rendered = render_stage(project, stage)
        for text in (rendered.train_toml, rendered.dataset_toml):
            assert toml.loads(text) == tomllib.loads(text)


def test_the_command_line_beats_the_file_which_beats_the_preset(project):
    again = load_project(project.paths.root, ["stage_a.kohya.network_dim=4", "stage_a.kohya.flip_aug=true"])
    rendered = render_stage(again, "stage_a")
    train, dataset = both(rendered)
    assert train["network_arguments"]["network_dim"] == 4
    assert dataset["general"]["flip_aug"] is True
    assert rendered.origins["network_dim"] == "--set"
    assert rendered.origins["max_train_steps"] == "lorawrap.toml"
    assert rendered.origins["network_alpha"] == "preset cpu"
    assert rendered.origins["output_dir"] == "project"
    assert "network_dim = 4  # --set" in rendered.train_toml


@pytest.mark.parametrize(
    ("setting", "gone"),
    [
        ("batch_size=3", "train_batch_size"),
        ("max_train_epochs=2", "max_train_steps"),
        ("lr_scheduler=constant", "lr_warmup_steps"),
        ("min_snr_gamma=", "min_snr_gamma"),
    ],
)
def test_a_users_value_takes_the_presets_rival_away(tmp_path, setting, gone):
    root = make_project(tmp_path / "p").paths.root
    text = (root / "lorawrap.toml").read_text(encoding="utf-8")
    short = text.replace("max_train_steps = 6, ", "").replace(", train_batch_size = 2", "")
    (root / "lorawrap.toml").write_text(short, encoding="utf-8")
    rendered = render_stage(load_project(root, [f"stage_a.kohya.{setting}"]), "stage_a")
    assert gone not in rendered.origins


def test_paths_are_taken_from_the_projects_folder(project):
    again = load_project(project.paths.root, ["stage_a.kohya.sample_prompts=prompts.txt"])
    train, _ = both(render_stage(again, "stage_a"))
    assert train["logging_arguments"]["sample_prompts"] == str(project.paths.root / "prompts.txt")


def test_unknown_and_owned_keys_are_refused_all_at_once(project):
    wrong = ["stage_a.kohya.learnig_rate=1", "stage_a.kohya.output_dir=x", "stage_a.kohya.num_repeats=3"]
    again = load_project(project.paths.root, wrong)
    with pytest.raises(UserError) as refusal:
        render_stage(again, "stage_a")
    message = refusal.value.message
    assert "'learnig_rate' is not a Kohya option. Did you mean 'learning_rate'?" in message
    assert "'output_dir' is not set here" in message
    assert "'num_repeats' is not set here: [balance] decides" in message
    assert "--set [stage_a.kohya]" in message


def test_a_stage_that_is_off_or_has_no_images_is_refused(project):
    off = load_project(project.paths.root, ["stage_b.enabled=false"])
    with pytest.raises(UserError, match="is not enabled"):
        render_stage(off, "stage_b")
    built = read_dataset(project.paths.dataset).model_copy(update={"stages": {}})
    base = detect(project.path("a base"))
    with pytest.raises(UserError, match="has no images for stage_a"):
        render("stage_a", project.settings, project.paths, built, base)


def test_an_unknown_preset_gets_the_nearest_name(project):
    again = load_project(project.paths.root, ["stage_a.preset=16g"])
    with pytest.raises(UserError, match=r"no preset '16g'. Did you mean '16gb'\?"):
        render_stage(again, "stage_a")


def test_writing_twice_changes_nothing_and_a_hand_edited_file_is_kept(project):
    rendered = render_stage(project, "stage_a")
    train, dataset = write(rendered, project.paths)
    assert write(rendered, project.paths) == (train, dataset)
    edited = train.read_text(encoding="utf-8").replace("network_dim = 2", "network_dim = 8")
    train.write_text(edited, encoding="utf-8")
    with pytest.raises(UserError, match="was edited by hand"):
        write(rendered, project.paths)
    assert train.read_text(encoding="utf-8") == edited


def test_a_value_that_sd_scripts_reads_wrongly_is_refused(project):
    again = load_project(project.paths.root, ['stage_a.kohya.training_comment="\\""'])
    with pytest.raises(UserError, match=r"toml 0\.10\.2"):
        render_stage(again, "stage_a")


def test_logs_that_are_asked_for_have_a_folder(project, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    train, _ = both(render_stage(project, "stage_a"))
    assert not {"log_with", "logging_dir"} & set(train.get("logging_arguments", {}))
    again = load_project(project.paths.root, ["stage_a.kohya.log_with=tensorboard"])
    train, _ = both(render_stage(again, "stage_a"))
    assert train["logging_arguments"]["logging_dir"].endswith("/tensorboard")


def test_about_ten_checkpoints_are_kept_where_nobody_says_how_many(project):
    again = load_project(project.paths.root, ["stage_b.kohya.max_train_steps=400"])
    train, _ = both(render_stage(again, "stage_b"))
    assert train["saving_arguments"]["save_every_n_epochs"] == 10


@pytest.mark.parametrize(
    ("stage", "pipeline", "channels", "script"),
    [
        ("stage_a", "StableDiffusionPipeline", 4, "train_network"),
        ("stage_a", "StableDiffusionXLPipeline", 4, "sdxl_train_network"),
        ("stage_b", "StableDiffusionXLInpaintPipeline", 9, "train_network_inpaint"),
    ],
)
def test_the_script_follows_from_the_stage_and_the_base(tmp_path, stage, pipeline, channels, script):
    project = make_project(tmp_path / "p")
    base = detect(make_base(tmp_path / "base", channels, pipeline))
    built = read_dataset(project.paths.dataset)
    assert render(stage, project.settings, project.paths, built, base).script == script
