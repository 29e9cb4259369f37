"""Presets: what each trains with, and that every one is a run that `check` lets through."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomllib

from dataset_tools.building.dataset import read_dataset
from dataset_tools.errors import UserError
from tests.kohya.projects import make_base, make_project
from wrapper.base_model.detect import BaseInfo, detect
from wrapper.kohya.check import check
from wrapper.kohya.memory import forecast
from wrapper.kohya.pages import flatten
from wrapper.kohya.presets import CARDS, preset_names, read_preset
from wrapper.kohya.render import Rendered, render, render_stage
from wrapper.project.load import Project, load_project

PIPELINES = {
    ("sd15", "stage_a"): ("StableDiffusionPipeline", 4),
    ("sd15", "stage_b"): ("StableDiffusionInpaintPipeline", 9),
    ("sdxl", "stage_a"): ("StableDiffusionXLPipeline", 4),
    ("sdxl", "stage_b"): ("StableDiffusionXLInpaintPipeline", 9),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = make_project(tmp_path_factory.mktemp("presets") / "п")
    text = made.paths.file.read_text(encoding="utf-8")
    made.paths.file.write_text(text.split("[stage_a]")[0], encoding="utf-8")
    return load_project(made.paths.root)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], BaseInfo]:
    root = tmp_path_factory.mktemp("bases")
    return {
        (kind, stage): detect(make_base(root / kind / stage, channels, pipeline))
        for (kind, stage), (pipeline, channels) in PIPELINES.items()
    }


def rendered(project: Project, preset: str, stage: str, base: BaseInfo, *more: str) -> Rendered:
    """At 64 px, the buckets' smallest side would be over the resolution; the kohya preset has no steps."""
    needed = ["network_module=networks.lora", "max_train_steps=4"] if preset == "kohya" else []
    if preset == "kohya" and stage == "stage_b":
        needed.append("masked_loss=true")
    overrides = [f"{stage}.preset={preset}", *(f"{stage}.kohya.{text}" for text in [*needed, *more])]
    again = load_project(project.paths.root, overrides)
    built = read_dataset(project.paths.dataset)
    return render(stage, again.settings, again.paths, built, base, None, again.origins)


@pytest.mark.parametrize("engine", ["sd-scripts", "embedded"])
@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
@pytest.mark.parametrize("stage", ["stage_a", "stage_b"])
@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_a_run_on_either_engine_or_says_which(
    project: Project, bases, tmp_path: Path, name: str, stage: str, kind: str, engine: str
):
    made = rendered(project, name, stage, bases[kind, stage])
    train, dataset = tmp_path / "train.toml", tmp_path / "dataset.toml"
    train.write_text(made.train_toml, encoding="utf-8")
    dataset.write_text(made.dataset_toml, encoding="utf-8")
    report = check(train, dataset, made.script, engine, models=False)
    if made.needs and engine == "embedded":
        assert "only sd-scripts keeps the base in 8 bits" in made.needs
        assert "# Needs sd-scripts: only sd-scripts keeps" in made.train_toml
        assert [problem.message for problem in report.errors if "fp8_base" in problem.message]
    else:
        assert [str(problem) for problem in report.errors] == []


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(
    ("kind", "stage", "low_steps", "high_steps", "low_rate", "high_rate"),
    [
        ("sd15", "stage_a", 1200, 1800, 5e-5, 5e-5),
        ("sd15", "stage_b", 600, 1200, 5e-5, 1e-4),
        ("sdxl", "stage_a", 1500, 2500, 1e-4, 1e-4),
        ("sdxl", "stage_b", 600, 1200, 5e-5, 1e-4),
    ],
)
def test_each_card_trains_the_jobs_as_they_are_known_to_work(
    card: str, kind: str, stage: str, low_steps: int, high_steps: int, low_rate: float, high_rate: float
):
    values = read_preset(card).values(stage, kind)
    assert low_steps <= values["max_train_steps"] <= high_steps
    assert low_rate <= values["learning_rate"] <= high_rate
    assert 16 <= values["network_dim"] <= 32
    assert values["network_alpha"] == values["network_dim"] / 2
    assert values["min_snr_gamma"] == 5
    assert values.get("network_dropout") == (0.05 if stage == "stage_b" else None)
    if stage == "stage_a":
        assert values["prior_loss_weight"] == 1.0
    if kind == "sdxl":
        assert values["network_train_unet_only"]
        assert values["cache_text_encoder_outputs"]
        assert values["no_half_vae"]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("stage", ["stage_a", "stage_b"])
@pytest.mark.parametrize(("kind", "side_px"), [("sd15", 512), ("sd15", 1024), ("sdxl", 1024)])
def test_each_card_has_room_for_each_job(card: str, stage: str, kind: str, side_px: int):
    """With a fifth to spare, which is how far off the forecast may be."""
    values = read_preset(card).values(stage, kind)
    needed = forecast(values, kind, (side_px, side_px), values["train_batch_size"])
    usable_gib = int(card.removesuffix("gb")) - 0.5
    assert needed.total <= 0.8 * usable_gib, str(needed)


def test_sdxl_in_16_bits_would_not_fit_into_8_gb():
    values = {**read_preset("8gb").values("stage_a", "sdxl"), "fp8_base": False}
    assert forecast(values, "sdxl", (1024, 1024)).total > 0.8 * 7.5


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
@pytest.mark.parametrize("stage", ["stage_a", "stage_b"])
def test_every_card_learns_the_same(kind: str, stage: str):
    how = {"gradient_checkpointing", "mixed_precision", "fp8_base"}
    learned = [
        {key: value for key, value in read_preset(card).values(stage, kind).items() if key not in how}
        for card in CARDS
    ]
    assert all(values == learned[0] for values in learned)


def test_sdxl_on_8_gb_is_kept_in_8_bits():
    values = read_preset("8gb").values("stage_a", "sdxl")
    assert values["fp8_base"]
    assert values["gradient_checkpointing"]
    assert values["train_batch_size"] == 1
    assert "fp8_base" not in read_preset("8gb").values("stage_a", "sd15")


def test_a_project_for_the_embedded_trainer_is_told_before_it_trains(tmp_path: Path):
    project = make_project(tmp_path / "p")
    root = project.paths.root
    (root / "sdxl").mkdir()
    make_base(root / "sdxl" / "base", 4, "StableDiffusionXLPipeline")
    asked = ["base.model=sdxl/base", "stage_a.preset=8gb", "project.engine=embedded"]
    with pytest.raises(UserError, match="only sd-scripts keeps the base in 8 bits"):
        render_stage(load_project(root, asked), "stage_a")
    without = [*asked, "stage_a.kohya.fp8_base=false"]
    assert not render_stage(load_project(root, without), "stage_a").needs


def test_the_kohya_preset_adds_nothing(project: Project, bases):
    made = rendered(project, "kohya", "stage_a", bases["sd15", "stage_a"])
    own = {key for key, origin in made.origins.items() if origin not in ("project", "--set")}
    assert own == set()
    assert "save_every_n_epochs" not in flatten(tomllib.loads(made.train_toml))


def test_checkpoints_are_counted_without_max_train_steps(project: Project, bases):
    made = rendered(project, "16gb", "stage_a", bases["sd15", "stage_a"], 'max_train_steps=""')
    assert flatten(tomllib.loads(made.train_toml))["save_every_n_epochs"] == 20
