"""Evaluating every checkpoint of a run, choosing one, going on after a stop, and what export takes."""

from __future__ import annotations

import json
import shutil

import pytest

from dataset_tools.errors import UserError
from tests.evaluation.runs import SEED, STRENGTHS, TEACHER, make_run, write_checkpoints
from wrapper.cli.main import run
from wrapper.evaluation.choice import choose_checkpoints
from wrapper.evaluation.evaluate import evaluate_project
from wrapper.evaluation.plan import plan_evaluation
from wrapper.evaluation.taken import taken_checkpoint
from wrapper.project.load import load_project
from wrapper.report.report import page
from wrapper.safetensors_header import read_header

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
BEST = f"runs/stage_b-001/output/my face_stage_b-{TEACHER + 1:06d}.safetensors"


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory, tiny_base):
    folder = make_run(tmp_path_factory.mktemp("runs") / "my 'run' ухо 👂", tiny_base)
    project = load_project(folder)
    result = evaluate_project(project)
    return project, result, choose_checkpoints(project, result)


@pytest.fixture
def copied(evaluated, tmp_path):
    folder = tmp_path / "p 'q' ухо"
    shutil.copytree(evaluated[0].paths.root, folder)
    return load_project(folder)


def test_every_saved_checkpoint_is_measured_oldest_first(evaluated):
    _, result, _ = evaluated
    found = result["checkpoints"]["stage_b"]
    assert [one["step"] for one in found] == [30, 60, 90, 120, 150]
    assert [one["last"] for one in found] == [False] * 4 + [True]
    assert found[0]["title"] == "epoch 1, step 30"
    for one in found:
        assert set(one["masked"]) == {"psnr_db", "ssim", "seam", "colour", "sharpness"}
        assert len(one["per_image"]) == 6
        assert {part: figures["n"] for part, figures in one["loss"]["stage_b"].items()} == {
            "holdout": 6,
            "train": 2,
        }


def test_the_checkpoint_without_error_has_none_and_every_other_has_some(evaluated):
    _, result, _ = evaluated
    scores = [one["masked"]["psnr_db"]["mean"] for one in result["checkpoints"]["stage_b"]]
    assert scores[TEACHER] == 100
    assert max(score for place, score in enumerate(scores) if place != TEACHER) < 50
    best = result["checkpoints"]["stage_b"][TEACHER]["masked"]
    assert (
        best["seam"]["mean"],
        best["colour"]["mean"],
        best["sharpness"]["mean"],
        best["ssim"]["mean"],
    ) == (0, 0, 0, 1)


def test_the_right_checkpoint_is_chosen_and_that_is_sure(evaluated):
    project, _, record = evaluated
    data = record["stages"]["stage_b"]
    assert data["chosen"]["file"] == BEST
    assert (data["rule"], data["metric"], data["units"]) == ("best", "psnr_db", 6)
    assert data["best_chance"][BEST] == 1
    assert data["over_last"]["low"] > 0
    assert "of 5 checkpoints epoch 3, step 90 is chosen (masked PSNR 100.00 dB)" in data["text"]
    assert "better than the last" in data["text"]
    assert json.loads((project.paths.root / "choice.json").read_text(encoding="utf-8")) == record


def test_the_report_shows_the_choice_and_both_losses_as_curves(evaluated):
    part = page(evaluated[0])["checkpoints"]
    (stage,) = part.stages
    assert [row.chosen for row in stage.rows] == [False, False, True, False, False]
    assert stage.text == evaluated[2]["stages"]["stage_b"]["text"]
    assert [[label for _, label in curve.legend] for curve in stage.curves] == [
        ["held-out images", "training images"],
        ["masked PSNR"],
    ]
    assert [len(line.line.split()) for line in stage.curves[0].chart.lines] == [5, 5]
    assert stage.strip[0][1] == "epoch 1, step 30"
    assert all(len(row.figures) == len(stage.heads) == 7 for row in stage.rows)


def test_the_report_says_when_the_choice_is_void(copied):
    _retrained(copied.paths)
    (stage,) = page(copied)["checkpoints"].stages
    assert "choice.json is void" in stage.text
    assert not any(row.chosen for row in stage.rows)


def test_pictures_of_checkpoints_are_kept_for_one_seed_and_listed(evaluated):
    project, result, _ = evaluated
    for one in result["checkpoints"]["stage_b"]:
        for row in one["per_image"]:
            assert (project.paths.root / row["picture"]).is_file()
    assert {row["seed"] for row in result["per_image"]} == {None, SEED}


def test_nothing_is_measured_twice(copied, monkeypatch):
    assert plan_evaluation(copied).missing == 0
    before = copied.paths.evaluation.read_bytes()
    monkeypatch.setattr("wrapper.evaluation.exam.run_exams", _never)
    monkeypatch.setattr("wrapper.evaluation.evaluate.run_exams", _never)
    evaluate_project(copied)
    assert copied.paths.evaluation.read_bytes() == before


def _never(*_):
    raise AssertionError("measured again")


def test_a_stopped_evaluation_goes_on_and_ends_as_an_undisturbed_one(copied):
    before = copied.paths.evaluation.read_bytes()
    memory = copied.paths.cache / "evaluation.jsonl"
    lines = memory.read_text(encoding="utf-8").splitlines(keepends=True)
    memory.write_text("".join(lines[:9]) + lines[9][:40], encoding="utf-8")
    next((copied.paths.images / "inpaint" / "base").iterdir()).unlink()
    assert plan_evaluation(copied).missing > 0
    evaluate_project(copied)
    assert copied.paths.evaluation.read_bytes() == before


def test_only_what_changed_is_measured_again(copied):
    write_checkpoints(copied.paths.root, (*STRENGTHS[:3], 6.0, STRENGTHS[4]))
    plan = plan_evaluation(copied)
    assert [s.name for s in plan.subjects if plan.benches[0].missing([s])] == ["my face_stage_b-000004"]


def test_a_picture_that_somebody_changed_is_painted_again(copied):
    path = copied.paths.images / "inpaint" / "stage_b" / f"лицо 3_seed{SEED}.png"
    before = path.read_bytes()
    path.write_bytes(b"other")
    evaluate_project(copied)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("asked", "epochs"),
    [
        ("all", [1, 2, 3, 4, 5]),
        ("last", [5]),
        ("*-00000[24].safetensors", [2, 4, 5]),
        ("my face_stage_b-000001", [1, 5]),
    ],
)
def test_checkpoints_are_asked_for_by_name(evaluated, asked, epochs):
    project = load_project(evaluated[0].paths.root, [f"evaluate.checkpoints={asked}"])
    assert [one.epoch for one in plan_evaluation(project).checkpoints["stage_b"]] == epochs


def test_a_pattern_that_no_file_has_is_refused_with_names(evaluated):
    project = load_project(evaluated[0].paths.root, ["evaluate.checkpoints=*-9*"])
    with pytest.raises(UserError, match=r"No saved checkpoint is called '\*-9\*'") as refused:
        plan_evaluation(project)
    assert "my face_stage_b-000001.safetensors" in refused.value.hint


def test_a_pattern_of_a_stage_that_is_still_to_be_trained_leaves_the_last_of_the_others(copied):
    path = copied.paths.file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[evaluate]", '[evaluate]\ncheckpoints = "*stage_a*"'), encoding="utf-8")
    plan = plan_evaluation(load_project(copied.paths.root, ["stage_a.enabled=true"]))
    assert [one.epoch for one in plan.checkpoints["stage_b"]] == [5]
    assert any("'*stage_a*' names none of stage_b: the last are measured" in note for note in plan.notes)
    with pytest.raises(UserError, match=r"No saved checkpoint is called '\*stage_a\*'"):
        plan_evaluation(load_project(copied.paths.root, ["stage_a.enabled=false"]))


def test_at_most_so_many_spread_evenly(evaluated):
    project = load_project(evaluated[0].paths.root, ["evaluate.max_checkpoints=3"])
    assert [one.epoch for one in plan_evaluation(project).checkpoints["stage_b"]] == [2, 4, 5]


def test_a_choice_by_what_was_not_measured_is_refused(evaluated, tmp_path):
    project, result, _ = evaluated
    asked = load_project(project.paths.root, ["evaluate.choose_by=lpips"])
    with pytest.raises(UserError, match="masked LPIPS was not measured"):
        choose_checkpoints(asked, result)


def test_one_checkpoint_leaves_nothing_to_choose(copied):
    project = load_project(copied.paths.root, ["evaluate.checkpoints=last"])
    with pytest.raises(UserError, match="one checkpoint only"):
        choose_checkpoints(project, evaluate_project(project))


def test_the_chosen_one_stands_for_the_stage_while_its_files_are_the_same(copied):
    taken = taken_checkpoint(copied.paths, "my face", "stage_b")
    assert (taken.chosen, taken.path) == (True, copied.paths.root / BEST)
    assert taken.why.startswith("Stage B: of 5 checkpoints epoch 3, step 90 is chosen")


def _retrained(paths):
    write_checkpoints(paths.root, (*STRENGTHS[:4], 9.0))


def _other_chosen(paths):
    (paths.root / BEST).write_bytes((paths.root / BEST.replace("3", "2")).read_bytes())


def _removed(paths):
    (paths.root / BEST).unlink()


def _built_anew(paths):
    record = json.loads((paths.dataset / "dataset.json").read_text(encoding="utf-8"))
    (paths.dataset / "dataset.json").write_text(json.dumps({**record, "key": "another"}), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_retrained, "the LoRA was trained anew"),
        (_other_chosen, "the chosen file changed"),
        (_removed, "is gone"),
        (_built_anew, "was built anew"),
    ],
)
def test_a_choice_is_void_when_its_files_changed_and_that_is_said(copied, spoil, said):
    spoil(copied.paths)
    taken = taken_checkpoint(copied.paths, "my face", "stage_b")
    assert (taken.chosen, taken.path.name) == (False, "my face_stage_b.safetensors")
    assert "choice.json is void" in taken.why
    assert said in taken.why


def exported(project, *asked):
    assert run(["export", "--project", str(project.paths.root), "--to", "a1111", *asked]) == 0
    return read_header(project.paths.export / "a1111/models/Lora/my face_stage_b.safetensors").metadata


def test_export_takes_the_chosen_one_and_says_so(copied, capsys):
    told = exported(copied)
    assert told["ss_epoch"] == "3"
    assert told["lorawrap_checkpoint"].startswith("Stage B: of 5 checkpoints epoch 3, step 90 is chosen")
    assert told["lorawrap_checkpoint"] in capsys.readouterr().out
    side_car = json.loads((copied.paths.export / "a1111/models/Lora/my face_stage_b.json").read_text("utf-8"))
    assert told["lorawrap_checkpoint"] in side_car["notes"]


def test_export_takes_another_when_it_is_told_so(copied, capsys):
    assert exported(copied, "--checkpoint", "last")["ss_epoch"] == "5"
    assert exported(copied, "--checkpoint", "my face_stage_b-000002.safetensors")["ss_epoch"] == "2"
    assert run(["export", "--project", str(copied.paths.root), "--checkpoint", "my face_stage_b-00002"]) == 2
    assert "no stage of this project saved that checkpoint" in capsys.readouterr().err


def test_export_says_when_the_choice_is_void(copied, capsys):
    _retrained(copied.paths)
    assert exported(copied)["ss_epoch"] == "5"
    assert "choice.json is void: the LoRA was trained anew" in capsys.readouterr().out


def test_the_command_names_the_best_and_a_dry_run_writes_nothing(copied, capsys):
    root = copied.paths.root
    (root / "choice.json").unlink()
    (root / "evaluation.json").unlink()
    assert run(["evaluate", "--project", str(root), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "stage_b: 5 of its checkpoints" in said
    assert "0 calls of the U-Net to come" in said
    assert not (root / "evaluation.json").exists()
    assert run(["evaluate", "--project", str(root), "--choose"]) == 0
    said = capsys.readouterr().out
    assert "of 5 checkpoints epoch 3, step 90 is chosen" in said
    assert "held-out loss" in said
    assert (root / "choice.json").is_file()
    assert run(["evaluate", "--project", str(root), "--checkpoints", "last"]) == 0
    assert "epoch 3" not in capsys.readouterr().out
