"""vendor: what would be installed, what is there, and every option with its facts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sd_scripts_install.fakes import TAG, make_repository
from wrapper.cli.main import run
from wrapper.sd_scripts.lock import lock
from wrapper.sd_scripts.places import places_of, versions_folder


@pytest.fixture(autouse=True)
def own_data(monkeypatch, tmp_path: Path) -> Path:
    for name in ("LORAWRAP_SD_SCRIPTS", "LORAWRAP_SD_SCRIPTS_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LORAWRAP_DATA_DIR", str(tmp_path / "мои данные"))
    return tmp_path / "мои данные"


def test_a_dry_run_says_what_would_be_done_and_does_nothing(own_data, tmp_path, capsys):
    make_repository(tmp_path / "a clone")
    assert run(["vendor", "install", "--source", str(tmp_path / "a clone"), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    wanted = (
        lock().tag,
        lock().commit[:10],
        "a clone",
        str(own_data),
        "torch 2.",
        "to do  environment",
        "next:",
    )
    assert [word for word in wanted if word not in shown] == []
    assert not own_data.exists()


def test_a_version_that_is_not_pinned_is_said_to_be(capsys):
    assert run(["vendor", "install", "--ref", "v0.9.1", "--dry-run"]) == 0
    assert "sd-scripts v0.9.1 (not the pinned version)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--source", "no such folder"], "there is no such folder"),
        (["--python", "no such python"], "there is no such Python"),
        (["--torch", "2.9", "--system-torch"], "exclude each other"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_wrong_wish_is_one_sentence(own_data, capsys, argv, told):
    assert run(["vendor", "install", *argv]) == 2
    assert told in capsys.readouterr().err
    assert not own_data.exists()


def test_without_an_installation_status_says_how_to_get_one(capsys):
    assert run(["vendor", "status"]) == 0
    assert capsys.readouterr().out.endswith("next: lorawrap vendor install\n")


def test_an_unfinished_installation_is_shown(capsys):
    places_of(TAG).checkout.mkdir(parents=True)
    assert run(["vendor", "status"]) == 0
    assert f"unfinished: {versions_folder() / TAG}" in capsys.readouterr().out


def test_status_finds_what_is_broken(capsys, tmp_path):
    """Recorded as whole, but its files are gone and its Python too."""
    places = places_of(lock().tag)
    places.checkout.mkdir(parents=True)
    (places.checkout / "requirements.txt").touch()
    record = {"tag": lock().tag, "commit": lock().commit, "pinned": True, "left_out": ["a/"]}
    places.record.write_text(json.dumps(record), encoding="utf-8")
    assert run(["vendor", "status"]) == 2
    shown = capsys.readouterr().out
    assert [
        word
        for word in ("FAULT  checkout", "missing: ", "FAULT  environment", "--force")
        if word not in shown
    ] == []
    assert run(["doctor", "--project", str(tmp_path)]) == 2


def test_options_are_shown_with_type_default_and_choices(capsys):
    assert run(["vendor", "options", "train_network.py", "mixed-precision", "--learning_rate"]) == 0
    shown = capsys.readouterr().out
    assert "mixed_precision  str, default no\n    one of no, fp16, bf16\n" in shown
    assert "learning_rate  float, default 2e-06\n" in shown
    assert "next: lorawrap vendor install, which brings sd-scripts' help texts" in shown


@pytest.mark.parametrize(("script", "count"), [("train_network.py", 193), ("sdxl_train_network", 196)])
def test_every_option_is_there_as_json(capsys, script, count):
    assert run(["vendor", "options", script, "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert len(table) == count
    assert all({"type", "default", "choices"} <= set(facts) for facts in table.values())


def test_a_word_finds_options(capsys):
    assert run(["vendor", "options", "train_network.py", "--search", "SNR", "--json"]) == 0
    assert sorted(json.loads(capsys.readouterr().out)) == ["min_snr_gamma", "zero_terminal_snr"]


def test_the_inpaint_script_has_its_own_beside_them(capsys):
    assert run(["vendor", "options", "train_network_inpaint.py", "masked_loss_normalize", "network_dim"]) == 0
    assert "masked_loss_normalize  bool, default false\n    " in capsys.readouterr().out


def test_the_keys_of_a_dataset_config_are_shown(capsys):
    assert run(["vendor", "options", "dataset_config", "subsets"]) == 0
    shown = capsys.readouterr().out
    assert "[subsets]" in shown
    assert "    num_repeats  int\n" in shown


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["train_netwrok.py"], "Did you mean 'train_network.py'?"),
        (["train_network.py", "learnig_rate"], "did you mean learning_rate?"),
    ],
    ids=["script", "option"],
)
def test_a_mistyped_name_gets_the_nearest(capsys, argv, told):
    assert run(["vendor", "options", *argv]) == 2
    assert told in capsys.readouterr().err
