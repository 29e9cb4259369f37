"""``lorawrap check``: exit codes, sentences, JSON."""

from __future__ import annotations

import json
import shlex
import shutil

import pytest

from tests.kohya.cases.case import Case, write_case
from tests.kohya.projects import make_project
from wrapper.cli.main import run
from wrapper.kohya.render import render_stage, write


@pytest.fixture
def files(tmp_path):
    project = make_project(tmp_path / "мой \"p\" 'q' 🙂")
    return write(render_stage(project, "stage_a"), project.paths)


@pytest.fixture
def masked(tmp_path):
    project = make_project(tmp_path / "b")
    return write(render_stage(project, "stage_b"), project.paths)


def test_a_right_file_gives_the_step_count(files, capsys):
    train, dataset = files
    assert run(["check", str(train), "--dataset-config", str(dataset)]) == 0
    assert "train_network.py: 6 steps: 8 images an epoch" in capsys.readouterr().out


def test_a_right_file_is_followed_by_how_to_train_it(files, tmp_path, capsys):
    train, dataset = files
    assert run(["check", str(train), "--dataset-config", str(dataset)]) == 0
    told = capsys.readouterr().out.strip().splitlines()[-1]
    assert shlex.split(told)[-5:-1] == ["lorawrap", "train", "stage_a", "--project"]
    shutil.copy(train, other := tmp_path / "моё.toml")
    assert run(["check", str(other), "--dataset-config", str(dataset)]) == 0
    told = capsys.readouterr().out.strip().splitlines()[-1]
    files = ["--config_file", str(other), "--dataset_config", str(dataset)]
    assert shlex.split(told)[1:] == ["accelerate", "launch", "train_network.py", *files]


def test_errors_give_two_and_name_file_line_and_section(files, capsys):
    train, dataset = files
    train.write_text(train.read_text(encoding="utf-8").replace("seed = 7", "sede = 7"), encoding="utf-8")
    dataset.write_text(dataset.read_text(encoding="utf-8").replace("[general]", "[general]\nx = 1"), "utf-8")
    assert run(["check", str(train), "--dataset-config", str(dataset)]) == 2
    told = capsys.readouterr().err
    assert "[training_arguments]: 'sede' is not an option of train_network.py. Did you mean 'seed'?" in told
    assert "stage_a_dataset.toml:5 [general]: 'x' is not an option of a dataset file." in told
    assert "errors: 2, warnings: 0" in told


def test_json_holds_everything(files, capsys):
    train, dataset = files
    code = run(["check", str(train), "--dataset-config", str(dataset), "--engine", "embedded", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (code, told["ok"], told["script"], told["steps"]["steps"]) == (0, True, "train_network.py", 6)
    assert (told["errors"], told["warnings"]) == ([], [])


def test_the_script_is_guessed_from_the_base_and_models_may_be_left_out(masked, capsys):
    train, dataset = masked
    argv = ["check", str(train), "--dataset-config", str(dataset)]
    assert run([*argv, "--no-models"]) == 2
    assert "'network_weights': there is no" in capsys.readouterr().err
    text = train.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("network_weights")]
    train.write_text("\n".join(lines), encoding="utf-8")
    assert run([*argv, "--no-models"]) == 0
    assert "train_network_inpaint.py: 4 steps" in capsys.readouterr().out
    assert run([*argv, "--no-models", "--script", "sdxl_train_network.py"]) == 2
    assert "masked_loss_normalize" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_two(tmp_path, capsys):
    assert run(["check", str(tmp_path / "none.toml")]) == 2
    assert "there is no such file" in capsys.readouterr().err


def test_a_preset_of_kohya_ss_is_told_from_a_file_of_sd_scripts(tmp_path, capsys):
    preset = tmp_path / "мой preset.json"
    preset.write_text('{"learning_rate": 0.0001}', encoding="utf-8")
    assert run(["check", str(preset)]) == 2
    assert f"lorawrap init NEW --from {shlex.quote(str(preset))} --dry-run" in capsys.readouterr().err
    assert run(["check", "--json", str(preset)]) == 2
    assert "kohya_ss keeps its presets" in capsys.readouterr().out


def test_each_problem_has_file_line_and_section_as_json(tmp_path, capsys, monkeypatch):
    write_case(Case("", True, train={"learning_rte": "1"}), tmp_path / "a")
    monkeypatch.chdir(tmp_path / "a")
    argv = ["check", "train.toml", "--dataset-config", "data.toml", "--no-models", "--json"]
    assert run(argv) == 2
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert (error["file"], error["line"], error["section"]) == ("train.toml", 12, "")
    assert error["where"] == "train.toml:12"


def test_several_gpus_share_the_steps_of_an_epoch(tmp_path, capsys, monkeypatch):
    train = {"max_train_steps": None, "max_train_epochs": "3"}
    write_case(Case("", True, train=train), tmp_path / "a")
    monkeypatch.chdir(tmp_path / "a")
    argv = ["check", "train.toml", "--dataset-config", "data.toml", "--no-models", "--num-processes"]
    assert run([*argv, "1"]) == 0
    assert "6 steps" in capsys.readouterr().out
    assert run([*argv, "2"]) == 0
    assert "3 steps" in capsys.readouterr().out


def test_a_card_that_is_too_small_is_a_warning(tmp_path, capsys, monkeypatch):
    write_case(Case("", True), tmp_path / "a")
    monkeypatch.chdir(tmp_path / "a")
    argv = ["check", "train.toml", "--dataset-config", "data.toml", "--no-models", "--gpu-memory", "2"]
    assert run(argv) == 0
    assert "the card has 2.0 GiB" in capsys.readouterr().err


UNREADABLE = {"not there": None, "no TOML": b"[broken", "UTF-16": "seed = 1".encode("utf-16"), "empty": b""}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("script", [[], ["--script", "sdxl_train_network.py"]], ids=["guessed", "given"])
def test_json_is_json_for_a_file_that_cannot_be_read(content, script, tmp_path, capsys):
    path = tmp_path / 'ж " 🙂.toml'
    if content is not None:
        path.write_bytes(content)
    assert run(["check", str(path), "--json", *script]) == 2
    told = json.loads(capsys.readouterr().out)
    assert not told["ok"]
    assert told["errors"][0]["file"] == path.name
    assert str(tmp_path) not in told["errors"][0]["message"]


def test_a_dataset_file_that_cannot_be_read_hides_no_other_problem(tmp_path, monkeypatch, capsys):
    case = Case("", False, train={"learnig_rate": "1"}, dataset="[[datasets]]\nresolution = 64\nx = y\n")
    argv = write_case(case, tmp_path / "a")
    monkeypatch.chdir(tmp_path / "a")
    assert run(["check", argv[1], "--dataset-config", argv[3], "--no-models", "--json"]) == 2
    unknown, unread = json.loads(capsys.readouterr().out)["errors"]
    assert unknown["hint"] == "Did you mean 'learning_rate'?"
    assert (unread["file"], unread["line"]) == ("data.toml", 3)
    assert unread["hint"] == 'Write text between quotes: "y".'
