"""A sweep before anything is trained: its trials' project files, their datasets, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from tests.kohya.projects import make_project
from wrapper.kohya.layers import PATHS
from wrapper.kohya.render import render_stage
from wrapper.project.load import Project, leaves, load_project
from wrapper.project.schema import ProjectFile
from wrapper.sweep.planning.checking import check_trials
from wrapper.sweep.planning.datasets import CACHING
from wrapper.sweep.planning.grids import parse_axis
from wrapper.sweep.planning.plan import Asked, SweepPlan, keep, plan_sweep, write_datasets
from wrapper.sweep.planning.trial_file import PATH_KEYS
from wrapper.sweep.sweep_file import read_sweep, sweep_names

NAME = "первый 'lr' 🙂"
RATES = "stage_a.kohya.learning_rate=1e-5,1e-4"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "проект 'a' 🙂")


def plan(project: Project, *grids: str, sets: Sequence[str] = (), stage: str | None = "stage_a") -> SweepPlan:
    return plan_sweep(project, Asked(NAME, stage, axes=[parse_axis(grid) for grid in grids], overrides=sets))


def test_each_trial_is_a_project_with_its_own_settings_over_the_projects(project: Project):
    planned = plan(
        project, RATES, 'generate.prompts=["ухо 🙂", "a \\"b\\" \\\\ c"],["d"]', sets=["inpaint.cfg=9.0"]
    )
    keep(planned)
    assert [trial.id for trial in planned.sweep.trials] == ["001", "002", "003", "004"]
    for trial in planned.sweep.trials:
        opened = load_project(trial.folder)
        told = dict(leaves(opened.settings.model_dump()))
        parent = dict(leaves(project.settings.model_dump()))
        changed = {key: value for key, value in told.items() if value != parent.get(key)}
        assert changed == {**trial.settings, "inpaint.cfg": 9.0, "dataset.of": "../../../..", **moved(told)}
        assert opened.paths.lender == project.paths.root
        rendered = render_stage(opened, "stage_a")
        assert f"learning_rate = {trial.settings['stage_a.kohya.learning_rate']}" in rendered.train_toml


def moved(told: dict[str, object]) -> dict[str, object]:
    return {key: told[key] for key in ("manifest.path", "base.model", "base.inpaint_model")}


def test_paths_mean_what_they_meant_wherever_the_project_lies(project: Project, tmp_path: Path):
    (project.paths.root / "lorawrap.toml").write_text(
        '[manifest]\npath = "фото 🙂/m.jsonl"\n[base]\nmodel = "a base"\n[masks]\nsam_model = "~/sam"\n'
        '[regularisation]\nfolder = "/there/класс"\n'
        '[evaluate]\nlpips_weights = ["a.pth", "../b.pth"]\n[stage_a.kohya]\nvae = "my vae"\n',
        encoding="utf-8",
    )
    parent = load_project(project.paths.root)
    keep(plan(parent, RATES))
    shutil.move(project.paths.root, tmp_path / "moved")
    root = tmp_path / "moved"
    trial = load_project(root / "sweeps" / NAME / "trials" / "002")
    file = trial.settings
    assert trial.path(file.manifest.path) == root / "фото 🙂/m.jsonl"
    assert trial.base(inpaint=False) == str(root / "a base")
    assert (file.base.inpaint_model, trial.base(inpaint=True)) == ("demo", "demo")
    assert trial.path(file.masks.sam_model) == Path.home() / "sam"
    assert file.regularisation.folder == "/there/класс"
    assert [trial.path(one) for one in file.evaluate.lpips_weights] == [root / "a.pth", tmp_path / "b.pth"]
    assert trial.path(file.stage_a.kohya["vae"]) == root / "my vae"
    assert trial.paths.dataset == root / "dataset"


def test_every_setting_that_is_a_path_is_known_to_be_one():
    words = ("folder", "_model", "weights", "path", "model")
    named = {
        f"{section}.{key}"
        for section, field in ProjectFile.model_fields.items()
        for key in field.annotation.model_fields  # type: ignore[union-attr]
        if any(key.endswith(word) for word in words)
    }
    kohya = {f"{stage}.kohya.{key}" for stage in ("stage_a", "stage_b") for key in PATHS}
    assert set(PATH_KEYS) == named | kohya


def test_a_sweep_in_another_place_names_the_project_in_full(project: Project, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (project.paths.root / "sweeps").symlink_to(tmp_path / "elsewhere")
    keep(plan(project, RATES))
    trial = load_project(project.paths.root / "sweeps" / NAME / "trials" / "001")
    assert trial.paths.dataset == project.paths.dataset
    assert trial.settings.base.model == str(project.paths.root / "a base")


@pytest.mark.parametrize(
    ("grid", "datasets"),
    [
        (RATES, 1),
        ("crop.size=512,256", 2),
        ("captions.trigger=myface,otherface", 2),
        ("project.seed=7,8,9", 3),
        ("stage_b.enabled=true,false", 2),
        ("stage_a.kohya.seed=1,2", 1),
        ("generate.cfg=3.0,4.0", 1),
    ],
    ids=str,
)
def test_trials_share_a_dataset_while_its_settings_are_the_same(project: Project, grid: str, datasets: int):
    planned = plan(project, grid)
    names = [trial.dataset for trial in planned.sweep.trials]
    assert names[0] == ""
    assert len(set(names)) == datasets
    folders = write_datasets(planned, planned.sweep.folder)
    keep(planned)
    assert len(folders) == datasets - 1
    for trial in planned.sweep.trials:
        own = planned.sweep.folder / "datasets" / trial.dataset
        owner = load_project(trial.folder).paths.owner
        assert owner == (own if trial.dataset else project.paths.root)
    for folder in folders:
        assert load_project(folder).paths.lender is None


def test_a_dry_run_knows_the_trials_whose_dataset_is_not_built_yet(project: Project):
    planned = plan(project, "crop.context=1.2,1.9,3.0")
    own = {trial.id: bool(trial.dataset) for trial in planned.sweep.trials}
    steps = check_trials(planned, planned.sweep.trials, None)
    assert any(own.values())
    assert {trial: not found for trial, found in steps.items()} == own
    assert not planned.sweep.folder.exists()


def test_a_dataset_setting_for_all_trials_leaves_the_projects_own_dataset_alone(project: Project):
    """It is what the project's file says; --set is for the sweep."""
    names = {trial.dataset for trial in plan(project, RATES, sets=["crop.size=256"]).sweep.trials}
    assert len(names) == 1
    assert names != {""}


@pytest.mark.parametrize("key", CACHING)
def test_who_caches_beside_the_images_has_them_alone(project: Project, key: str):
    """sd-scripts believes what it finds there, also what another trial is writing just now."""
    planned = plan(project, RATES, sets=[f"stage_a.kohya.{key}=true"])
    assert len({trial.dataset for trial in planned.sweep.trials} - {""}) == 2
    embedded = plan(project, RATES, sets=[f"stage_a.kohya.{key}=true", "project.engine=embedded"])
    assert {trial.dataset for trial in embedded.sweep.trials} == {""}


def test_everything_that_cannot_be_swept_is_told_at_once(project: Project):
    grids = ["crop.sze=64", "crop.size=65", "stage_a.kohya.netwrk_dim=4", "learning_rate=1", "dataset.of=.."]
    with pytest.raises(UserError) as refused:
        plan(project, *grids, "project.engine=auto,cuda", "crop.size.px=3", "stage_a.kohya.output_dir=x")
    lines = refused.value.message.splitlines()
    expected = [
        "[crop.sze]: unknown key. Did you mean 'size'?",
        "[crop.size]: Input should be a multiple of 64 (found 65)",
        "'netwrk_dim' is not a Kohya option. Did you mean 'network_dim'?",
        "Did you mean 'stage_a.kohya.learning_rate' or 'stage_b.kohya.learning_rate'?",
        "[dataset.of]: is not swept",
        "[project.engine]: Input should be 'auto', 'embedded' or 'sd-scripts' (found 'cuda')",
        "--grid crop.size.px [crop.size]: Input should be a valid integer",
        "[stage_a.kohya.output_dir]: is not set here",
    ]
    assert [text for text in expected if not any(text in line for line in lines)] == []
    assert len(lines) == len(expected) + 1
    assert not (project.paths.root / "sweeps").exists()


def test_what_check_refuses_is_refused_before_anything_is_written(project: Project):
    planned = plan(project, "stage_a.kohya.optimizer_type=AdamW,AdamX", "stage_a.kohya.network_dim=2,4")
    with pytest.raises(UserError) as refused:
        check_trials(planned, planned.sweep.trials, None)
    assert refused.value.message.startswith("2 of 4 trials would not train:")
    assert 'trial 003 (optimizer_type = "AdamX", network_dim = 2)' in refused.value.message
    assert not planned.sweep.folder.exists()


def test_the_ranks_of_both_stages_have_to_agree(project: Project):
    """Stage B's start is not there to be looked at before Stage A is trained."""
    planned = plan(project, "stage_b.kohya.network_dim=2,8", stage="all")
    with pytest.raises(UserError, match="network_dim = 8, but goes on with the LoRA of stage_a, which has 2"):
        check_trials(planned, planned.sweep.trials, None)
    both = plan(project, "stage_a.kohya.network_dim+stage_b.kohya.network_dim=2,8", stage="all")
    steps = check_trials(both, both.sweep.trials, None)
    assert steps == {trial.id: {"stage_a": 6, "stage_b": 4} for trial in both.sweep.trials}


def test_stage_b_alone_goes_on_with_the_projects_stage_a(project: Project):
    dims = "stage_b.kohya.learning_rate=1e-5,1e-4"
    with pytest.raises(UserError, match=r"there is no .*stage_a") as refused:
        plan(project, dims, stage="stage_b")
    assert "--stage all" in refused.value.hint
    lora = project.paths.lora("stage_a", project.settings.project.name)
    lora.parent.mkdir()
    lora.write_bytes(b"first")
    planned = plan(project, dims, stage="stage_b")
    keep(planned)
    trial = load_project(planned.sweep.trials[0].folder)
    assert trial.path(trial.settings.stage_b.kohya["network_weights"]) == lora
    assert plan(project, stage=None).overrides == planned.overrides
    lora.write_bytes(b"second")
    with pytest.raises(UserError, match="the LoRA that Stage B goes on with was trained anew"):
        plan(project, stage=None)


def test_stage_b_alone_keeps_what_was_said_of_its_start(project: Project):
    named = ["stage_b.kohya.network_weights=mine.safetensors"]
    assert plan(project, "stage_b.kohya.seed=1,2", sets=named, stage="stage_b").overrides == named
    assert plan(project, f"{named[0]},b.safetensors", stage="stage_b").overrides == []
    without = ["stage_a.enabled=false"]
    assert plan(project, "stage_b.kohya.seed=1,2", sets=without, stage="stage_b").overrides == without


def test_more_values_add_trials_and_those_that_are_there_keep_their_numbers(project: Project):
    keep(plan(project, RATES))
    more = plan(project, "stage_a.kohya.learning_rate=1e-3,1e-4,2e-3")
    assert [(trial.id, *trial.settings.values()) for trial in more.sweep.trials] == [
        ("001", 1e-5),
        ("002", 1e-4),
        ("003", 1e-3),
        ("004", 2e-3),
    ]
    assert more.new == {"003", "004"}
    keep(more)
    again = plan(project, stage=None)
    assert [trial.settings for trial in again.sweep.trials] == [t.settings for t in more.sweep.trials]
    assert (again.new, again.sweep.stages) == (frozenset(), ["stage_a"])


def test_a_project_that_has_changed_is_told_by_name(project: Project):
    keep(plan(project, RATES, sets=["crop.size=256"]))
    file = project.paths.file
    assert plan(load_project(project.paths.root), stage=None).overrides == ["crop.size=256"]
    text = file.read_text(encoding="utf-8").replace("max_train_steps = 6", "max_train_steps = 8")
    file.write_text(
        f'{text}\n[export]\ndescription = "said later"\n[qc]\npreset = "tiny"\n', encoding="utf-8"
    )
    with pytest.raises(UserError) as refused:
        plan(load_project(project.paths.root), stage="all")
    assert refused.value.message.splitlines()[1:] == [
        "  stage_a.kohya.max_train_steps: 6 → 8",
        "  qc.preset: 'not set' → 'tiny'",
        "  stages: stage_a → stage_a, stage_b",
    ]


def test_a_dataset_that_was_built_anew_is_another(project: Project):
    keep(plan(project, RATES))
    path = project.paths.dataset / "dataset.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"a key"', '"another"'), encoding="utf-8")
    with pytest.raises(UserError, match="its dataset was built anew, and is another"):
        plan(project, stage=None)
    path.unlink()
    assert len(plan(project, stage=None).sweep.trials) == 2


def test_trials_that_ran_are_not_taken_for_those_of_another_sweep(project: Project):
    """Whoever removes a broken sweep.json and begins anew would be told figures of other settings."""
    first = plan(project, RATES)
    keep(first)
    record = first.sweep.folder / "sweep.json"
    record.write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match=r"sweep.json: is no sweep's record"):
        plan(project, RATES)
    record.unlink()
    assert len(plan(project, RATES).new) == 2  # what was cut off before any trial ran
    (first.sweep.trials[0].folder / "trial.json").write_text('{"status": "succeeded"}', encoding="utf-8")
    with pytest.raises(UserError, match="holds trials that have run"):
        plan(project, RATES)


def test_a_name_that_windows_keeps_is_refused_in_plain_words(project: Project):
    with pytest.raises(UserError, match=r"NAME \[project.name\]: no file can be called so everywhere"):
        plan_sweep(project, Asked("con", "stage_a", axes=[parse_axis(RATES)]))


def test_a_sweep_that_is_not_there_and_not_begun(project: Project):
    with pytest.raises(UserError, match="there is no such sweep, and no --grid"):
        plan(project)
    with pytest.raises(UserError, match="cannot be in the name of a file"):
        plan_sweep(project, Asked("../out", axes=[parse_axis(RATES)]))


def test_a_sweep_is_read_as_it_was_written(project: Project):
    planned = plan(project, RATES, "crop.size=512,256")
    keep(planned)
    found, kept = read_sweep(planned.sweep.folder)
    assert found == planned.sweep
    assert kept.dataset == "a key"
    assert sweep_names(project.paths.root) == [NAME]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"stages": 3}', '{"stages": [], "keys": [], "trials": [{"id": 1}]}']
)
def test_a_broken_record_is_told(project: Project, text: str):
    folder = project.paths.root / "sweeps" / NAME
    folder.mkdir(parents=True)
    (folder / "sweep.json").write_text(text)
    with pytest.raises(UserError, match=r"sweep\.json"):
        read_sweep(folder)


def test_a_misspelt_sweep_gets_the_nearest_name(project: Project):
    keep(plan(project, RATES))
    with pytest.raises(UserError, match="there is no sweep here") as refused:
        read_sweep(project.paths.root / "sweeps" / "первый lr 🙂")
    assert refused.value.hint == f"Did you mean '{NAME}'?"


def test_the_notes_say_what_a_person_would_want_to_know(project: Project):
    notes = " ".join(plan(project, "project.seed=1,2,2", "inpaint.cfg=1.0,2.0").notes)
    for said in ("2 trials with the settings", "what is held out", "train nothing", "use 2 datasets"):
        assert said in notes
