"""``lorawrap render``: what is written, and what is refused."""

from __future__ import annotations

from tests.kohya.projects import make_base, make_project
from wrapper.cli.main import run


def test_both_stages_are_rendered_and_the_next_step_is_named(tmp_path, capsys):
    root = tmp_path / "мой \"p\" 'q' 🙂"
    make_project(root)
    assert run(["render", "--project", str(root)]) == 0
    made = sorted(path.name for path in (root / "config").iterdir())
    assert made == [f"stage_{stage}_{part}.toml" for stage in "ab" for part in ("dataset", "train")]
    assert "next: lorawrap train all --project" in capsys.readouterr().out


def test_a_key_set_on_the_command_line_is_in_the_file(tmp_path):
    make_project(tmp_path)
    argv = ["render", "stage_a", "--project", str(tmp_path), "--set", "stage_a.kohya.learning_rate=3e-4"]
    assert run(argv) == 0
    text = (tmp_path / "config" / "stage_a_train.toml").read_text(encoding="utf-8")
    assert "learning_rate = 0.0003  # --set" in text
    assert not (tmp_path / "config" / "stage_b_train.toml").exists()


def test_an_unknown_key_is_one_sentence_and_nothing_is_written(tmp_path, capsys):
    make_project(tmp_path)
    argv = ["render", "stage_a", "--project", str(tmp_path), "--set", "stage_a.kohya.learnig_rate=1"]
    assert run(argv) == 2
    assert "'learnig_rate' is not a Kohya option. → Did you mean" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "config").exists()


def test_without_a_dataset_build_is_named(tmp_path, capsys):
    make_project(tmp_path)
    (tmp_path / "dataset" / "dataset.json").unlink()
    assert run(["render", "--project", str(tmp_path)]) == 2
    assert "lorawrap build" in capsys.readouterr().err


def test_a_dry_run_shows_where_each_value_comes_from_and_writes_nothing(tmp_path, capsys):
    make_project(tmp_path)
    argv = ["render", "stage_a", "--project", str(tmp_path), "--set", "stage_a.kohya.flip_aug=true"]
    assert run([*argv, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "flip_aug = true  # --set" in shown
    assert "network_dim = 2  # lorawrap.toml" in shown
    assert 'optimizer_type = "AdamW"  # preset cpu' in shown
    assert not (tmp_path / "config").exists()


def test_a_stage_that_only_sd_scripts_can_train_says_so(tmp_path, capsys):
    make_project(tmp_path)
    make_base(tmp_path / "xl", 4, "StableDiffusionXLPipeline")
    argv = ["render", "stage_a", "--project", str(tmp_path), "--set", "base.model=xl"]
    assert run([*argv, "--set", "stage_a.preset=8gb"]) == 0
    assert "stage_a needs sd-scripts: only sd-scripts keeps the base in 8 bits" in capsys.readouterr().err
